-- Answers the epoch, the version of the tags, and an entry that may be used and is younger than the one at hand, if there is
-- one. Where there is something else under the key, it says `damaged` and takes that away.
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'version', 'floor')
if not meta[1] then
  -- Not each time: a Redis that takes no writes can still answer.
  redis.call('HSETNX', KEYS[2], 'epoch', ARGV[1])
  meta[1] = ARGV[1]
end
local answer = { meta[1], meta[2] or '0' }
local found = redis.pcall('HMGET', KEYS[1], 'epoch', 'seen', 'tags', 'created', 'expires', 'path', 'check')
if not found.err and not (found[1] or found[2] or found[7]) then return answer end
local seen = tonumber(found[2])
local is_read, tags = pcall(cjson.decode, found[3] or '')
local created = tonumber(found[4])
if not (found[1] and seen and created and found[7] and is_read and type(tags) == 'table') then
  redis.pcall('DEL', KEYS[1])
  answer[3] = 'damaged'
  return answer
end
local function is_outdated_by(names, first)
  for i = first, #names do
    local version = type(names[i]) == 'string' and redis.call('ZSCORE', KEYS[3], names[i])
    if version and tonumber(version) > seen then return true end
  end
  return #names >= first and seen < tonumber(meta[3] or '0')
end
if found[1] ~= meta[1] or is_outdated_by(tags, 1) then
  redis.pcall('DEL', KEYS[1])
  return answer
end
-- For who has other tags it may be good.
if is_outdated_by(ARGV, 3) then return answer end
local at_hand = tonumber(ARGV[2])
if at_hand and created <= at_hand then return answer end
for i = 3, 7 do answer[i] = found[i] or '' end
answer[8] = redis.call('HGET', KEYS[1], 'value') or ''
return answer
