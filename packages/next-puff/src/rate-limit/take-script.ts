/**
 * GCRA on one key, as `puff_core::rate_limit` has it: `KEYS[1]` is when all units are back, in milliseconds of the server's clock;
 * `ARGV` are the units, the window in milliseconds, and the units to take.
 */
export const TAKE = `
local units, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local interval = window / units
-- A clock that was set back must not keep anybody out for longer than the window.
local busy = math.min(math.max((tonumber(redis.call('GET', KEYS[1])) or 0) - now, 0), window)
local after = busy + cost * interval
local late = after - window
local taken = late <= 0.01
if taken then
  busy = after
  if cost > 0 then
    redis.call('SET', KEYS[1], string.format('%.3f', now + busy), 'PX', math.ceil(busy) + 1)
  end
end
local left = math.min(math.max(math.floor((window - busy + 0.01) / interval), 0), units)
return {
  taken and '1' or '0',
  tostring(left),
  string.format('%.3f', busy),
  taken and '0' or string.format('%.3f', late),
}
`;
