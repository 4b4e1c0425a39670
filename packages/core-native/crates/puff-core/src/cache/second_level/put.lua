-- Puts an entry, unless Redis was emptied since its maker last heard of it, or an entry is there that knows more.
if redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then return 0 end
local former = redis.pcall('HMGET', KEYS[1], 'epoch', 'seen')
if former.err then
  redis.call('DEL', KEYS[1])
elseif former[1] == ARGV[1] and (tonumber(former[2]) or -1) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seen', ARGV[2], 'tags', ARGV[3], 'created', ARGV[4],
  'expires', ARGV[5], 'path', ARGV[6], 'check', ARGV[7], 'value', ARGV[8])
redis.call('PEXPIRE', KEYS[1], ARGV[9])
return 1
