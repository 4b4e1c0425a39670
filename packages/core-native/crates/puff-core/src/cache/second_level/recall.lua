-- Answers the epoch, the time, until when revalidations are not known one by one, and those after a version with theirs, the
-- oldest first: the tag, the version, when it made entries stale, expired them, will expire them.
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'floor_ms')
local time = redis.call('TIME')
local answer = { meta[1] or '', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), meta[2] or '' }
local since = ARGV[1] == meta[1] and ARGV[2] or '0'
local tags = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. since, '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #tags, 2 do
  local mark = redis.call('HGET', KEYS[3], tags[i]) or ''
  answer[#answer + 1] = tags[i]
  answer[#answer + 1] = tags[i + 1]
  for _, moment in ipairs({ string.match(mark, '^(%d*):(%d*):(%d*)$') }) do answer[#answer + 1] = moment end
  -- Of no next-puff that knows times.
  for _ = #answer, 2 + 5 * (i + 1) / 2 do answer[#answer + 1] = '' end
end
return answer
