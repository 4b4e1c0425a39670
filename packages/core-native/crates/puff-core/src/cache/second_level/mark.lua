-- Takes entries with these tags away, or all that have tags where none is named. The oldest marks go when there are too many,
-- and with them all tagged entries that are older.
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
if #ARGV == 1 then redis.call('HSET', KEYS[1], 'floor', version) end
for i = 2, #ARGV do redis.call('ZADD', KEYS[2], version, ARGV[i]) end
local over = redis.call('ZCARD', KEYS[2]) - 50000
if over > 0 then
  local last = redis.call('ZRANGE', KEYS[2], over - 1, over - 1, 'WITHSCORES')
  local floor = tonumber(redis.call('HGET', KEYS[1], 'floor') or '0')
  redis.call('HSET', KEYS[1], 'floor', math.max(floor, tonumber(last[2])))
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
end
return { redis.call('HGET', KEYS[1], 'epoch'), tostring(version) }
