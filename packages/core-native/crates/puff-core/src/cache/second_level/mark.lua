-- Takes entries with these tags away, or all that have tags where none is named. A tag is followed by how it was revalidated:
-- `expire`, or the milliseconds after which what is stale will have expired, or nothing. The oldest marks go when there are too
-- many, and with them all tagged entries that are older.
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function raise_floor(version, at)
  local floor = redis.call('HMGET', KEYS[1], 'floor', 'floor_ms')
  redis.call('HSET', KEYS[1], 'floor', math.max(version, tonumber(floor[1] or '0')),
    'floor_ms', string.format('%.0f', math.max(at, tonumber(floor[2] or '0'))))
end
if #ARGV == 1 then raise_floor(redis.call('HINCRBY', KEYS[1], 'version', 1), now) end
for i = 2, #ARGV, 2 do
  local tag, how = ARGV[i], ARGV[i + 1]
  redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[1], 'version', 1), tag)
  local mark = redis.call('HGET', KEYS[3], tag) or '::'
  local stale, expired, expires = string.match(mark, '^(%d*):(%d*):(%d*)$')
  if how == 'expire' then
    expired, expires = string.format('%.0f', now), ''
  else
    stale = string.format('%.0f', now)
    if how ~= '' then expires = string.format('%.0f', now + tonumber(how)) end
  end
  redis.call('HSET', KEYS[3], tag, (stale or '') .. ':' .. (expired or '') .. ':' .. (expires or ''))
end
local over = redis.call('ZCARD', KEYS[2]) - 50000
if over > 0 then
  local oldest = redis.call('ZRANGE', KEYS[2], 0, over - 1, 'WITHSCORES')
  for i = 1, #oldest, 2 do
    local mark = redis.call('HGET', KEYS[3], oldest[i]) or ''
    local at = 0
    for moment in string.gmatch(mark, '%d+') do
      if tonumber(moment) <= now then at = math.max(at, tonumber(moment)) end
    end
    raise_floor(tonumber(oldest[i + 1]), at)
    redis.call('HDEL', KEYS[3], oldest[i])
  end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
end
return { redis.call('HGET', KEYS[1], 'epoch'), redis.call('HGET', KEYS[1], 'version') or '0' }
