import type { IRedisClient } from 'bullmq';

/**
 * What the store does in Redis beyond BullMQ, each in one step.
 *
 * The scripts read and write BullMQ's keys as version 6.7 lays them out; the dependency is an exact one for that. A
 * queue's keys are made from `queue`, what they all begin with (`bull:mails:`).
 */
const SCRIPTS = {
  /** Notes when jobs go that are about to be added (`areNew`: unless they are there already) or to end. */
  puffRegister: {
    keys: 2, // queues, expiries
    lua: `
local batch = cjson.decode(ARGV[1])
redis.call('SADD', KEYS[1], batch.queue)
for _, entry in ipairs(batch.expiries) do
  if batch.areNew then redis.call('ZADD', KEYS[2], 'NX', entry[2], entry[1])
  else redis.call('ZADD', KEYS[2], entry[2], entry[1]) end
end
for _, child in ipairs(batch.children) do
  redis.call('ZADD', child[1], child[3], child[2])
  redis.call('PEXPIRE', child[1], child[4])
end
return 0`,
  },

  /** Removes the records whose time has come, at most ARGV[3] of them, and answers how many entries it went through. */
  puffExpire: {
    keys: 5, // expiries, completed, failed, cancelled, events
    lua: `
local queue, now = ARGV[1], tonumber(ARGV[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(due) do
  local job = queue .. id
  local fields = redis.call('HMGET', job, 'finishedOn', 'opts')
  if not fields[2] then
    redis.call('ZREM', KEYS[1], id)
  else
    local puff = cjson.decode(fields[2]).puff
    local keep = puff and tonumber(puff.keepResultMs) or 0
    local isCompleted = redis.call('ZSCORE', KEYS[2], id)
    local isFailed = not isCompleted and redis.call('ZSCORE', KEYS[3], id)
    if not (isCompleted or isFailed) then
      redis.call('ZADD', KEYS[1], now + math.max(keep, 60000), id)
    else
      local at = tonumber(fields[1] or isCompleted or isFailed) + keep
      if at > now then
        redis.call('ZADD', KEYS[1], at, id)
      else
        redis.call('ZREM', KEYS[1], id)
        redis.call('ZREM', KEYS[2], id)
        redis.call('ZREM', KEYS[3], id)
        redis.call('SREM', KEYS[4], id)
        redis.call('DEL', job, job .. ':logs', job .. ':lock', job .. ':dependencies', job .. ':processed',
          job .. ':failed', job .. ':unsuccessful')
        redis.call('XADD', KEYS[5], '*', 'event', 'removed', 'jobId', id, 'prev', isCompleted and 'completed' or 'failed')
      end
    end
  end
end
return #due`,
  },

  /** Reads jobs: for each its state, its fields and its log, or nothing. */
  puffRead: {
    keys: 7, // completed, failed, delayed, prioritized, active, cancelled, wait
    lua: `
local queue, now = ARGV[1], tonumber(ARGV[2])
local found = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local fields = redis.call('HGETALL', queue .. id)
  if #fields == 0 then
    found[#found + 1] = false
  else
    local state = 'waiting'
    local at = redis.call('ZSCORE', KEYS[3], id)
    if redis.call('ZSCORE', KEYS[1], id) then state = 'completed'
    elseif redis.call('ZSCORE', KEYS[2], id) then
      state = redis.call('SISMEMBER', KEYS[6], id) == 1 and 'cancelled' or 'failed'
    elseif at then
      if tonumber(at) >= (now + 1) * 4096 then state = 'delayed' end
    elseif redis.call('ZSCORE', KEYS[4], id) then state = 'waiting'
    elseif redis.call('EXISTS', queue .. id .. ':lock') == 1 or redis.call('LPOS', KEYS[5], id) then
      state = 'running'
    end
    found[#found + 1] = { state, fields, redis.call('LRANGE', queue .. id .. ':logs', -100, -1) }
  end
end
return found`,
  },

  /** Ids of a queue's jobs in some states, newest first: flat pairs of id and time. */
  puffList: {
    keys: 7, // as puffRead
    lua: `
local queue, now = ARGV[1], tonumber(ARGV[2])
local filter = cjson.decode(ARGV[3])
local wanted, jobs = {}, {}
for _, state in ipairs(filter.states) do wanted[state] = true end

local function take(ids, stateOf)
  for _, id in ipairs(ids) do
    local state = type(stateOf) == 'string' and stateOf or stateOf(id)
    if wanted[state] then
      local fields = redis.call('HMGET', queue .. id, 'name', 'timestamp', 'opts')
      if fields[1] and (not filter.task or fields[1] == filter.task) then
        local at = tonumber(string.match(fields[3] or '', '"createdAt":([%d.e+]+)') or fields[2])
        if not filter.at or at < filter.at or (at == filter.at and id < filter.id) then
          jobs[#jobs + 1] = { id, at }
        end
      end
    end
  end
end

local last = filter.scanned - 1
if wanted.completed then take(redis.call('ZREVRANGE', KEYS[1], 0, last), 'completed') end
if wanted.failed or wanted.cancelled then
  take(redis.call('ZREVRANGE', KEYS[2], 0, last), function(id)
    return redis.call('SISMEMBER', KEYS[6], id) == 1 and 'cancelled' or 'failed'
  end)
end
if wanted.delayed or wanted.waiting then
  take(redis.call('ZREVRANGE', KEYS[3], 0, last), function(id)
    return tonumber(redis.call('ZSCORE', KEYS[3], id)) >= (now + 1) * 4096 and 'delayed' or 'waiting'
  end)
end
if wanted.waiting then
  take(redis.call('ZREVRANGE', KEYS[4], 0, last), 'waiting')
  take(redis.call('LRANGE', KEYS[7], 0, last), 'waiting')
end
if wanted.running then take(redis.call('LRANGE', KEYS[5], 0, last), 'running') end

table.sort(jobs, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] > b[1]) end)
local page = {}
for i = 1, math.min(#jobs, filter.limit) do
  page[#page + 1] = jobs[i][1]
  page[#page + 1] = string.format('%.0f', jobs[i][2])
end
return page`,
  },

  /** How many jobs are delayed, waiting, running, completed, failed, cancelled. */
  puffCount: {
    keys: 7, // as puffRead
    lua: `
local soon = (tonumber(ARGV[1]) + 1) * 4096
local due = redis.call('ZCOUNT', KEYS[3], '-inf', '(' .. string.format('%.0f', soon))
local cancelled = redis.call('SCARD', KEYS[6])
return { redis.call('ZCARD', KEYS[3]) - due,
  redis.call('ZCARD', KEYS[4]) + redis.call('LLEN', KEYS[7]) + due,
  redis.call('LLEN', KEYS[5]), redis.call('ZCARD', KEYS[1]),
  math.max(0, redis.call('ZCARD', KEYS[2]) - cancelled), cancelled }`,
  },

  /** Ends a job as cancelled: 1, 0 if it has ended or is gone, -1 in a flow, -2 as the next one of a schedule. */
  puffCancel: {
    keys: 11, // completed, failed, delayed, prioritized, active, cancelled, wait, expiries, events, stalled, cancellations
    lua: `
local queue, id, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local job = queue .. id
local fields = redis.call('HMGET', job, 'opts', 'parentKey', 'rjk')
if not fields[1] or redis.call('ZSCORE', KEYS[1], id) or redis.call('ZSCORE', KEYS[2], id) then return 0 end
if fields[2] then return -1 end
local isRunning = redis.call('LPOS', KEYS[5], id)
if fields[3] and not isRunning then return -2 end
if isRunning then
  redis.call('LREM', KEYS[5], 1, id)
  redis.call('DEL', job .. ':lock')
  redis.call('SREM', KEYS[10], id)
  redis.call('XADD', KEYS[11], 'MAXLEN', '~', 1000, '*', 'queue', ARGV[4], 'jobId', id)
elseif redis.call('ZREM', KEYS[3], id) == 0 and redis.call('ZREM', KEYS[4], id) == 0 then
  if redis.call('LREM', KEYS[7], 1, id) == 0 then return 0 end
end
local reason = 'The job was cancelled.'
redis.call('HSET', job, 'failedReason', reason, 'finishedOn', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[3], id)
redis.call('SADD', KEYS[6], id)
local puff = cjson.decode(fields[1]).puff
if puff then redis.call('ZADD', KEYS[8], now + tonumber(puff.keepResultMs), id) end
redis.call('XADD', KEYS[9], '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', isRunning and 'active' or 'waiting')
return 1`,
  },

  /** Forgets how a failed job ended, before it is run again. */
  puffForgetEnd: {
    keys: 2, // job, cancelled
    lua: `
redis.call('SREM', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], 'puff-failure', 'stacktrace')`,
  },

  /** Stores what running jobs tell of themselves, if they are still there. */
  puffReport: {
    keys: 1, // events
    lua: `
for _, report in ipairs(cjson.decode(ARGV[2])) do
  local job = ARGV[1] .. report.id
  if redis.call('EXISTS', job) == 1 then
    if report.progress then
      redis.call('HSET', job, 'progress', report.progress)
      redis.call('XADD', KEYS[1], '*', 'event', 'progress', 'jobId', report.id, 'data', report.progress)
    end
    for _, line in ipairs(report.logs) do redis.call('RPUSH', job .. ':logs', line) end
    redis.call('LTRIM', job .. ':logs', -100, -1)
  end
end
return 0`,
  },

  /** Sets a field of a job that is still there. */
  puffSetField: {
    keys: 1, // job
    lua: `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1`,
  },

  /**
   * Lets a run of a task begin now (0) or says at which time it may ask again. The runs of the last while are kept, so that
   * no duration holds more than allowed; who has to wait gets a time of its own.
   */
  puffRate: {
    keys: 2, // begun, promised
    lua: `
local now, max, per = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local limit = -max
local last = redis.call('LINDEX', KEYS[1], limit)
if not last or tonumber(last) + per <= now then
  redis.call('RPUSH', KEYS[1], ARGV[1])
  redis.call('LTRIM', KEYS[1], limit, -1)
  redis.call('PEXPIRE', KEYS[1], per * 2 + 1000)
  return 0
end
local at = math.max(now, tonumber(last) + per)
local promised = redis.call('LINDEX', KEYS[2], limit)
if promised then at = math.max(at, tonumber(promised) + per) end
redis.call('RPUSH', KEYS[2], string.format('%.0f', at))
redis.call('LTRIM', KEYS[2], limit, -1)
redis.call('PEXPIRE', KEYS[2], math.max(1, at - now + per))
return at`,
  },

  /** Counts a start less, of a job that is given back before it ran. */
  puffUncount: {
    keys: 1, // job
    lua: `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBY', KEYS[1], 'ats', -1) end
return 0`,
  },

  /** The id of a stream's last entry. */
  puffLastEntry: {
    keys: 1,
    lua: `
local entries = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
return entries[1] and entries[1][1] or '0-0'`,
  },

  /** Extends locks, as BullMQ's extendLocks does for one queue: answers the positions of those that are lost. */
  puffRenew: {
    keys: 0,
    lua: `
local lost = {}
for i, lock in ipairs(cjson.decode(ARGV[2])) do
  local key = lock.queue .. lock.id .. ':lock'
  if redis.call('GET', key) == lock.token then
    redis.call('SET', key, lock.token, 'PX', ARGV[1])
    redis.call('SREM', lock.queue .. 'stalled', lock.id)
  else
    lost[#lost + 1] = i - 1
  end
end
return lost`,
  },

  /** Takes (or, with a time of 0, gives back) the right to change schedules: 1 if it was given. */
  puffLockSchedules: {
    keys: 1,
    lua: `
local key = KEYS[1] .. ':lock'
if ARGV[2] == '0' then
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
  return 1
end
return redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0`,
  },

  /** Notes when a schedule's job began. */
  puffSetRun: {
    keys: 1,
    lua: `return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])`,
  },

  /** Replaces the hash of schedules. */
  puffSetSchedules: {
    keys: 1,
    lua: `
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV))
return 0`,
  },

  /** Ids of a job's children, newest first. */
  puffChildren: {
    keys: 1,
    lua: `return redis.call('ZREVRANGE', KEYS[1], 0, -1, 'WITHSCORES')`,
  },
} as const satisfies Record<string, { keys: number; lua: string }>;

/** Name of a script. */
export type ScriptName = keyof typeof SCRIPTS;

/** Makes the scripts known to a client. */
export function defineScripts(client: IRedisClient): void {
  for (const [name, { keys, lua }] of Object.entries(SCRIPTS)) {
    client.defineCommand(name, { numberOfKeys: keys, lua });
  }
}

/** Runs a script: first its keys, then its arguments. */
export function runScript(
  client: IRedisClient,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  return client.runCommand(name, [...keys, ...args]);
}
