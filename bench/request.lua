-- wrk -s request.lua <url> -- [body]: the same request again and again, ends with a line of JSON.
dofile(debug.getinfo(1, "S").source:match("^@(.-)[^/]*$") .. "wrk-summary.lua")

function init(arguments)
  if arguments[1] ~= nil then
    wrk.method = "POST"
    wrk.body = arguments[1]
    wrk.headers["Content-Type"] = "application/json"
  end
end
