-- Answers the epoch, the version of the tags, and an entry that may be used, if there is one.
redis.call('HSETNX', KEYS[2], 'epoch', ARGV[1])
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'version', 'floor')
local answer = { meta[1], meta[2] or '0' }
local found = redis.pcall('HMGET', KEYS[1], 'epoch', 'seen', 'tags', 'created', 'expires', 'path', 'value')
if found.err then
  redis.call('DEL', KEYS[1])
  return answer
end
if not found[7] then return answer end
local seen = tonumber(found[2])
local is_read, tags = pcall(cjson.decode, found[3] or '')
local is_good = found[1] == meta[1] and seen and tonumber(found[4]) and is_read and type(tags) == 'table'
if is_good then
  for i = 2, #ARGV do tags[#tags + 1] = ARGV[i] end
  is_good = #tags == 0 or seen >= tonumber(meta[3] or '0')
  for _, tag in ipairs(tags) do
    local version = type(tag) == 'string' and redis.call('ZSCORE', KEYS[3], tag)
    if version and tonumber(version) > seen then is_good = false end
  end
end
if not is_good then
  redis.call('DEL', KEYS[1])
  return answer
end
for i = 3, 7 do answer[i] = found[i] or '' end
return answer
