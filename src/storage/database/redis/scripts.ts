/**
 * The scripts that Redis runs, each as a whole. They know no rules: `FETCH` and `COMMIT` know rows, `PRESENT` processes,
 * `HISTORY` the count of commits.
 *
 * A row is a member of a sorted set whose scores are all 0: its key as bytes, a zero, its value. So it is found, walked
 * and counted by its bytes, and stands in memory once.
 */

/** A question has five arguments: kind, number of its set in KEYS or the name of a list of sets, min, max, limit. */
const ANSWER = `
local function answer(at)
  local kind, set, min, max, limit = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local number = tonumber(set)
  if number then
    if kind == 'size' then return redis.call('ZLEXCOUNT', KEYS[number], min, max) end
    return redis.call('ZRANGEBYLEX', KEYS[number], min, max, 'LIMIT', 0, limit)
  end
  local size, rows = 0, {}
  for _, member in ipairs(redis.call('ZRANGEBYLEX', set, '-', '+')) do
    local name = string.sub(member, string.find(member, '\\0', 1, true) + 1)
    if kind == 'size' then
      size = size + redis.call('ZLEXCOUNT', name, min, max)
    else
      local left = limit < 0 and -1 or limit - #rows
      if left == 0 then break end
      for _, row in ipairs(redis.call('ZRANGEBYLEX', name, min, max, 'LIMIT', 0, left)) do rows[#rows + 1] = row end
    end
  end
  if kind == 'size' then return size end
  return rows
end
`;

/** ARGV: the questions. @returns the answer to each: a number, or members */
export const FETCH = `
${ANSWER}
local answers = {}
for at = 1, #ARGV, 5 do answers[#answers + 1] = answer(at) end
return answers
`;

/**
 * KEYS: that of the commit's id, the count of all commits, the sets.
 * ARGV: how long the id is kept, how many questions and changes there are; for each set a list and a member of
 * it, or two empty texts; for each question its arguments and the expected answer; for each change what it is (`put`,
 * `remove`, `add`), the number of its set, the key, the value.
 * @returns the commit's number among all that wrote something; `applied` if there was nothing to write; or `conflict`
 */
export const COMMIT = `
${ANSWER}
local keptSeconds, reads, changes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local made = redis.call('GET', KEYS[1])
if made then return tonumber(made) end

local at = 4 + 2 * (#KEYS - 2)
for _ = 1, reads do
  local found = answer(at)
  local is
  if type(found) == 'number' then
    is = tostring(found)
  elseif #found == 0 then
    is = ''
  else
    local parts = {}
    for _, row in ipairs(found) do
      parts[#parts + 1] = #row .. ':'
      parts[#parts + 1] = row
    end
    is = table.concat(parts)
    if #is > 40 then is = redis.sha1hex(is) end
  end
  if is ~= ARGV[at + 5] then return 'conflict' end
  at = at + 6
end
if changes == 0 then return 'applied' end

local was = {}
for _ = 1, changes do
  local kind, set, key, value = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local name, list = KEYS[set], ARGV[4 + 2 * (set - 3)]
  if list ~= '' and was[set] == nil then was[set] = redis.call('EXISTS', name) end
  local before = redis.call('ZRANGEBYLEX', name, '[' .. key .. '\\0', '(' .. key .. '\\1', 'LIMIT', 0, 1)[1]
  local after
  if kind == 'put' then
    after = key .. '\\0' .. value
  elseif kind == 'add' then
    local sum = (before and tonumber(string.sub(before, #key + 2)) or 0) + tonumber(value)
    after = key .. '\\0' .. string.format(sum == math.floor(sum) and '%.0f' or '%.17g', sum)
  end
  if before ~= after then
    if before then redis.call('ZREM', name, before) end
    if after then redis.call('ZADD', name, 0, after) end
  end
  at = at + 4
end
for set, existed in pairs(was) do
  local list, member = ARGV[4 + 2 * (set - 3)], ARGV[5 + 2 * (set - 3)]
  local exists = redis.call('EXISTS', KEYS[set])
  if exists > existed then redis.call('ZADD', list, 0, member) end
  if exists < existed then redis.call('ZREM', list, member) end
end
local number = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], number, 'EX', keptSeconds)
return number
`;

/**
 * KEYS: the processes that are there. ARGV: how long one that says nothing counts, in milliseconds; id and facts of those
 * that are there now, or no facts of one that leaves. Only the clock of Redis counts.
 * @returns for each: its id, since when and until when it was there, in milliseconds before now, and its facts
 */
export const PRESENT = `
local seconds, micro = unpack(redis.call('TIME'))
local now, silent = seconds * 1000 + math.floor(micro / 1000), tonumber(ARGV[1])
local function read(row) return string.match(row, '^(%d+) (%d+) (.*)$') end
for at = 2, #ARGV, 2 do
  local id, facts = ARGV[at], ARGV[at + 1]
  if facts == '' then
    redis.call('HDEL', KEYS[1], id)
  else
    local row = redis.call('HGET', KEYS[1], id)
    local since, last
    if row then since, last = read(row) end
    if not last or now - last >= silent then since = string.format('%.0f', now) end
    redis.call('HSET', KEYS[1], id, since .. string.format(' %.0f ', now) .. facts)
    redis.call('PEXPIRE', KEYS[1], silent)
  end
end
local present = {}
local rows = redis.call('HGETALL', KEYS[1])
for at = 1, #rows, 2 do
  local since, last, facts = read(rows[at + 1])
  if now - last >= silent then
    redis.call('HDEL', KEYS[1], rows[at])
  else
    for _, each in ipairs({ rows[at], now - since, now - last, facts }) do present[#present + 1] = each end
  end
end
return present
`;

/**
 * KEYS: the count of all commits, the id of one. @returns how many there were, and whether the id is still kept
 *
 * It contains a write that changes nothing, so that a replica, which may only be late, refuses it.
 */
export const HISTORY = `
redis.call('PERSIST', KEYS[1])
return { tonumber(redis.call('GET', KEYS[1]) or 0), redis.call('EXISTS', KEYS[2]) }
`;
