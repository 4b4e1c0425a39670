-- wrk -s requests.lua <url> -- <file>: sends the lines of the file in turn, ends with a line of JSON.
local requests, count, last = {}, 0, 0

function init(arguments)
  local headers = {
    ["Content-Type"] = "application/json",
    ["Accept"] = "application/graphql-response+json, application/json",
  }
  for line in io.lines(arguments[1]) do
    count = count + 1
    requests[count] = wrk.format("POST", nil, headers, line)
  end
end

function request()
  last = last % count + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"requests":%d,"seconds":%.6f,"errors":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
