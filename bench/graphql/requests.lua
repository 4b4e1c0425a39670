-- wrk -s requests.lua <url> -- <file>: sends the lines of the file in turn, ends with a line of JSON.
dofile(debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "../wrk-summary.lua")

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
