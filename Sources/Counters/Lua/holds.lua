-- The third part of the library: calls with a request id, reservations and refunds.
-- The library's text is metering.lua, upkeep.lua, then this file.
--
-- `hold:{<clinic>}` is a hash that exists while the clinic has holds. Field '' is their summary:
--     I2 open, I2 waiting, i8 earliest end of an open hold or before it (us), i8 units of all,
--     then for each limit I2 number, I2 open.
--   Field 'h' or 'r' and 16 bytes of id is a hold, or units of a hold ('h') or a refund ('r') that
--   wait for PostgreSQL because the count in which they were used has left the value:
--     I2 limit, B 1 = waits, I4 units, i8 period start, c8 epoch, i8 ends (us).
-- `seen:{<clinic>}:0..2` are hashes of the ids of one hour each, hour mod 3. Field '' is the hour
--   since 1970; 'c', 'h' or 'r' and 16 bytes of id is the outcome of a call, a hold or a refund.
--   An id is kept for two to three hours.
--
-- Rules beside those of metering.lua (docs/decisions/0015-holds.md explains them):
--   * Every key is read before the first is written.
--   * A refusal changes nothing for its own id. But each function of reservations that reads a
--     value ends the holds whose time has passed, and writes a change of the month or server.
--   * Units go back once to the count (period, epoch) in which they were used, never more than
--     was used there.

local HOLDS_MAX, TTL_MAX = 1000, 86400000000
-- Bounds on the ids of one hour. Beyond the first, calls are counted but not remembered. Beyond the
-- second, ends of holds are not remembered and refunds are refused.
local CALLS_MAX, IDS_MAX = 50000, 60000
local HOUR = 3600000000
local NO_MARK = ('\0'):rep(32)
local CLAIM, CLAIM_FORMAT = 48, '<i8c8i8i8c8i8'
local HOLD_FORMAT, HOLD, SUMMARY, COUNT = '<I2BI4i8c8i8', 31, 20, 4

local NOTHING, COUNTED, RESERVED, COMMITTED, RELEASED, ENDED_ITSELF, REFUNDED = 0, 1, 2, 3, 4, 5, 6
local UNKNOWN, TOO_MUCH, TOO_MANY, TOO_MANY_OPEN, OTHER_CALL, OLD_LIMITS = 7, 8, 9, 10, 11, 12
local REPEATED, NOT_REMEMBERED, WAITS = 1, 2, 4

-- B outcome, B 1 = repeated + 2 = not remembered + 4 = waits for PostgreSQL, I2 zero, I4 units,
-- i8 time (us: when the hold ends, or how long until one ends), then a reply as `check` gives it.
local function answer(outcome, marks, units, time, reply)
    return struct.pack('<BBI2I4i8', outcome, marks, 0, units, time) .. reply
end

local function refusal(verdict, at)
    return answer(NOTHING, 0, 0, 0, no_answer(verdict, at))
end

-- The value's counts as a reply without limits.
local function counts_of(v, at)
    return struct.pack(REPLY_FORMAT, ALLOWED, v.flags, 0, 0, 0, 0, 0, 0, v.version, v.epoch,
        v.period, v.used, v.credited, at, 0, v.base + v.used - v.credited, v.quota, v.period_end)
end

-- Ids of three hours

-- The stored outcome of an id, and the key that will store it; nil when a key has another type.
local function read_seen(keys, first, at, field)
    local hour = math.floor(at / HOUR)
    local seen = { key = keys[first + hour % 3], hour = hour, count = 0 }
    for i = first, first + 2 do
        local found = redis.pcall('HMGET', keys[i], '', field)
        if found.err then return nil end
        local of = tonumber(found[1] or nil)
        if of and of > hour - 3 then
            seen.value = found[2] or seen.value
            if keys[i] == seen.key then
                seen.started, seen.count = true, redis.call('HLEN', keys[i]) - 1
            end
        end
    end
    return seen
end

local function remember(seen, field, value)
    if not seen.started then
        redis.call('DEL', seen.key)
        redis.call('HSET', seen.key, '', seen.hour)
        redis.call('PEXPIRE', seen.key, 3 * HOUR / 1000)
        seen.started = true
    end
    redis.call('HSET', seen.key, field, value)
    seen.count = seen.count + 1
end

-- FCALL metering_check_once 4 <q> <seen 0> <seen 1> <seen 2> <request> <id, 16 bytes>
--   Counts a call once. Returns outcome COUNTED and the reply of `check`. The same id again counts
--   nothing, is REPEATED, and returns the first verdict with the current counts. A denied call is
--   not remembered. OTHER_CALL: the id belongs to another call.
local function check_once(keys, arguments)
    local at, request, id = now(), arguments[1] or '', arguments[2] or ''
    if #keys ~= 4 or #request ~= REQUEST or #id ~= 16 or request:byte(3) == PEEK then
        return refusal(INVALID, at)
    end
    local stamp, field = stamp_at(at, true), 'c' .. id
    local raw, seen = redis.pcall('GET', keys[1]), read_seen(keys, 2, at, field)
    if type(raw) == 'table' or not seen then return refusal(UNREADABLE, at) end
    local head = request:sub(1, 12)
    if seen.value then
        local peek = request:sub(1, 2) .. '\0' .. request:sub(4, 8) .. '\1\0\0\0' .. request:sub(13)
        local peeked = decide(raw, peek, at, stamp)
        if peeked:byte() > DENIED then return answer(NOTHING, 0, 0, 0, peeked) end
        if seen.value:sub(1, 12) ~= head then return answer(OTHER_CALL, 0, 0, 0, peeked) end
        local first = seen.value:sub(13)
        return answer(COUNTED, REPEATED, 0, 0, struct.pack('B', ALLOWED) .. peeked:sub(2, 4)
            .. '\0\0\0\0' .. first .. peeked:sub(21, 68) .. ZERO .. peeked:sub(77))
    end
    local reply, written = decide(raw, request, at, stamp)
    if not written then return answer(NOTHING, 0, 0, 0, reply) end
    redis.call('SET', keys[1], written)
    if seen.count >= CALLS_MAX then return answer(COUNTED, NOT_REMEMBERED, 0, 0, reply) end
    remember(seen, field, head .. reply:sub(9, 20))
    return answer(COUNTED, 0, 0, 0, reply)
end

-- Holds

local function unpack_hold(text)
    if #text ~= HOLD then return nil end
    local hold = {}
    hold.limit, hold.waits, hold.units, hold.period, hold.epoch, hold.ends =
        struct.unpack(HOLD_FORMAT, text)
    return hold
end

-- The summary of a clinic's holds, and the hold at `field`; nil when the key has another type.
local function read_holds(key, field)
    local found = redis.pcall('HMGET', key, '', field)
    if found.err then return nil end
    local holds =
        { key = key, open = 0, waiting = 0, ends = 0, units = 0, limits = {}, gone = {}, put = {} }
    if found[1] then
        if #found[1] < SUMMARY or (#found[1] - SUMMARY) % COUNT ~= 0 then return nil end
        local at
        holds.open, holds.waiting, holds.ends, holds.units, at =
            struct.unpack('<I2I2i8i8', found[1])
        while at <= #found[1] do
            local limit, open
            limit, open, at = struct.unpack('<I2I2', found[1], at)
            holds.limits[limit] = open
        end
    end
    if found[2] then
        holds.mine = unpack_hold(found[2])
        if not holds.mine then return nil end
    end
    return holds
end

-- Writes the changed fields, if any.
local function write_holds(holds)
    if not holds.changed then return end
    for _, field in ipairs(holds.gone) do redis.call('HDEL', holds.key, field) end
    if holds.open + holds.waiting == 0 then
        redis.call('DEL', holds.key)
        return
    end
    local numbers = {}
    local parts = { struct.pack('<I2I2i8i8', holds.open, holds.waiting, holds.ends, holds.units) }
    for limit in pairs(holds.limits) do numbers[#numbers + 1] = limit end
    table.sort(numbers)
    for _, limit in ipairs(numbers) do
        parts[#parts + 1] = struct.pack('<I2I2', limit, holds.limits[limit])
    end
    redis.call('HSET', holds.key, '', table.concat(parts))
    for field, hold in pairs(holds.put) do
        redis.call('HSET', holds.key, field,
            struct.pack(HOLD_FORMAT, hold.limit, hold.waits, hold.units, hold.period, hold.epoch,
                hold.ends))
    end
end

local function add_open(holds, field, hold)
    holds.open, holds.units, holds.changed = holds.open + 1, holds.units + hold.units, true
    holds.limits[hold.limit] = (holds.limits[hold.limit] or 0) + 1
    if holds.ends == 0 or hold.ends < holds.ends then holds.ends = hold.ends end
    holds.put[field] = hold
end

local function take_open(holds, field, hold)
    holds.open, holds.units, holds.changed = holds.open - 1, holds.units - hold.units, true
    local left = (holds.limits[hold.limit] or 1) - 1
    holds.limits[hold.limit] = left > 0 and left or nil
    if holds.open == 0 then holds.ends = 0 end
    holds.gone[#holds.gone + 1] = field
end

-- Units that PostgreSQL will give back: their count is no longer in the value.
local function add_waiting(holds, field, hold, units)
    holds.waiting, holds.units, holds.changed = holds.waiting + 1, holds.units + units, true
    holds.put[field] = { limit = hold.limit, waits = 1, units = units, period = hold.period,
        epoch = hold.epoch, ends = 0 }
end

-- Gives units back to the count in which they were used. False when the value no longer has it.
-- PostgreSQL must confirm a changed closed count again.
local function give_back(v, period, epoch, units)
    if period == v.period and epoch == v.epoch then
        v.credited = v.credited + math.max(math.min(units, v.used - v.credited), 0)
        return true
    end
    for _, c in ipairs(v.closed) do
        if c.period == period and c.epoch == epoch then
            units = math.max(math.min(units, c.used - c.credited), 0)
            c.credited = c.credited + units
            if units > 0 then c.settled = 0 end
            if c.period == v.period then v.base = v.base - units end
            return true
        end
    end
    return false
end

-- Ends an open hold: `actual` units stay used. Returns 4 when the rest waits for PostgreSQL.
local function finish(v, holds, field, hold, state, actual)
    take_open(holds, field, hold)
    local rest, marks = hold.units - actual, 0
    if rest > 0 and not give_back(v, hold.period, hold.epoch, rest) then
        add_waiting(holds, field, hold, rest)
        marks = WAITS
    end
    holds.ended[#holds.ended + 1] =
        { field, struct.pack('<BBI4I4', state, marks, hold.units, actual) }
    return marks
end

-- Ends every open hold whose time has passed.
local function end_due(v, holds, at)
    holds.ended = {}
    if holds.open == 0 or at < holds.ends then return end
    local all, earliest = redis.call('HGETALL', holds.key), 0
    holds.changed = true
    for i = 1, #all, 2 do
        local field, hold = all[i], all[i] ~= '' and unpack_hold(all[i + 1])
        if hold and hold.waits == 0 then
            if hold.ends <= at then
                finish(v, holds, field, hold, ENDED_ITSELF, 0)
            elseif earliest == 0 or hold.ends < earliest then
                earliest = hold.ends
            end
        end
    end
    holds.ends = earliest
end

local function note_ended(seen, holds)
    for _, ended in ipairs(holds.ended) do
        if seen.count < IDS_MAX then remember(seen, ended[1], ended[2]) end
    end
end

-- The first step of every function of reservations. Claim, the end of a request: i8 mark period,
-- c8 mark epoch, i8 mark used, i8 mark credited, c8 nonce, i8 not after (us; 0 = any time).
-- Returns the current value, the holds and the ids, with due holds ended and nothing written yet;
-- or nil and the refusal.
local function prepare(keys, claim, field, at)
    if #keys ~= 5 or #claim ~= CLAIM then return nil, refusal(INVALID, at) end
    local period, epoch, used, credited, nonce, not_after = struct.unpack(CLAIM_FORMAT, claim)
    if not_after > 0 and at > not_after then return nil, refusal(EXPIRED, at) end
    local raw, holds = redis.pcall('GET', keys[1]), read_holds(keys[2], field)
    local seen = read_seen(keys, 3, at, field)
    if type(raw) == 'table' or not holds or not seen then return nil, refusal(UNREADABLE, at) end
    if not raw then return nil, refusal(MISS, at) end
    local current, verdict =
        bring_up_to_date(raw, at, stamp_at(at, true), period, epoch, used, credited, nonce)
    if not current then return nil, refusal(verdict, at) end
    local v = decode(current)
    holds.changed = current ~= raw
    end_due(v, holds, at)
    for _, ended in ipairs(holds.ended) do
        if ended[1] == field then seen.value, holds.mine = ended[2], nil end
    end
    return v, holds, seen
end

local function write_all(key, v, holds, seen)
    if not holds.changed then return end
    redis.call('SET', key, encode(v))
    write_holds(holds)
    note_ended(seen, holds)
end

-- The answer for a hold that ended, from its stored outcome.
local function ended_answer(text, reply, marks)
    local state, waits, _, actual = struct.unpack('<BBI4I4', text)
    return answer(state, marks + waits, actual, 0, reply)
end

-- FCALL metering_reserve 5 <q> <hold> <seen 0> <seen 1> <seen 2> <request of mode consume>
--     <c16 id, i8 time to live (us, 1…24 h), I4 open holds that the limit admits (0 = any),
--      i8 config version of that number>
--   Counts the units and holds them. Returns RESERVED with the time at which the hold ends. The
--   same id again is REPEATED, or returns how the hold ended. Refusals:
--     TOO_MANY_OPEN   of this limit, with the time until one ends
--     TOO_MANY        of the clinic
--     OLD_LIMITS      the counter has a newer version: read what it admits, then retry
--     NOTHING         with the verdict
local function reserve(keys, arguments)
    local at, request, terms = now(), arguments[1] or '', arguments[2] or ''
    if #request ~= REQUEST or #terms ~= 36 or request:byte(3) ~= 1 then
        return refusal(INVALID, at)
    end
    local id, ttl, admitted, version = struct.unpack('<c16i8I4i8', terms)
    if ttl < 1 or ttl > TTL_MAX or admitted > HOLDS_MAX then return refusal(INVALID, at) end
    local limit, _, _, units = struct.unpack('<I2BBI4', request)
    local field = 'h' .. id
    local v, holds, seen = prepare(keys, request:sub(13), field, at)
    if not v then return holds end

    local outcome, time, marks = nil, 0, 0
    if seen.value or holds.mine then
        local reply = counts_of(v, at)
        write_all(keys[1], v, holds, seen)
        if seen.value then return ended_answer(seen.value, reply, REPEATED) end
        if holds.mine.waits == 1 then return answer(ENDED_ITSELF, REPEATED + WAITS, 0, 0, reply) end
        local same = holds.mine.limit == limit and holds.mine.units == units
        return answer(same and RESERVED or OTHER_CALL, same and REPEATED or 0, holds.mine.units,
            holds.mine.ends, reply)
    elseif v.version > version then
        outcome = OLD_LIMITS
    elseif holds.open + holds.waiting >= HOLDS_MAX then
        outcome, time = TOO_MANY, holds.ends > 0 and holds.ends - at or 0
    elseif admitted > 0 and (holds.limits[limit] or 0) >= admitted then
        outcome = TOO_MANY_OPEN
        local all, earliest = redis.call('HGETALL', keys[2]), 0
        for i = 1, #all, 2 do
            local hold = all[i] ~= '' and unpack_hold(all[i + 1])
            if hold and hold.waits == 0 and hold.limit == limit and hold.ends > at
                and (earliest == 0 or hold.ends < earliest) then
                earliest = hold.ends
            end
        end
        time = math.max(earliest - at, 0)
    end
    if outcome then
        local reply = counts_of(v, at)
        write_all(keys[1], v, holds, seen)
        return answer(outcome, 0, 0, time, reply)
    end

    -- `prepare` has applied the mark.
    local reply, written = decide(encode(v), request:sub(1, 12) .. NO_MARK .. request:sub(45),
        at, v.stamp)
    if not written then
        write_all(keys[1], v, holds, seen)
        return answer(NOTHING, 0, 0, 0, reply)
    end
    local after = decode(written)
    add_open(holds, field, { limit = limit, waits = 0, units = units, period = after.period,
        epoch = after.epoch, ends = at + ttl })
    write_all(keys[1], after, holds, seen)
    return answer(RESERVED, 0, units, at + ttl, reply)
end

-- Commit and release: COMMITTED or RELEASED with the units that stay used. A repeat, or a call
-- after the hold ended, returns how it ended, with REPEATED, and changes nothing. TOO_MUCH: more
-- than was held. UNKNOWN: no reservation has this id, or it ended hours ago.
local function settle_hold(keys, text, state)
    local at = now()
    if #text ~= CLAIM + 24 then return refusal(INVALID, at) end
    local id, actual = struct.unpack('<c16i8', text, CLAIM + 1)
    if actual < -1 or actual > COST_MAX then return refusal(INVALID, at) end
    local field = 'h' .. id
    local v, holds, seen = prepare(keys, text:sub(1, CLAIM), field, at)
    if not v then return holds end
    local outcome, units, marks = UNKNOWN, 0, 0
    if seen.value then
        local reply = counts_of(v, at)
        write_all(keys[1], v, holds, seen)
        return ended_answer(seen.value, reply, REPEATED)
    elseif holds.mine and holds.mine.waits == 1 then
        outcome, marks = ENDED_ITSELF, REPEATED + WAITS
    elseif holds.mine and actual > holds.mine.units then
        outcome, units = TOO_MUCH, holds.mine.units
    elseif holds.mine then
        outcome = state
        units = state == RELEASED and 0 or (actual < 0 and holds.mine.units or actual)
        marks = finish(v, holds, field, holds.mine, state, units)
    end
    local reply = counts_of(v, at)
    write_all(keys[1], v, holds, seen)
    return answer(outcome, marks, units, 0, reply)
end

-- FCALL metering_commit 5 <q> <hold> <seen 0> <seen 1> <seen 2>
--     <claim, c16 id, i8 units that were used (-1 = all)>
local function commit(keys, arguments) return settle_hold(keys, arguments[1] or '', COMMITTED) end

-- FCALL metering_release 5 <q> <hold> <seen 0> <seen 1> <seen 2> <claim, c16 id, i8 -1>
--   Gives all units of the hold back.
local function release(keys, arguments) return settle_hold(keys, arguments[1] or '', RELEASED) end

-- FCALL metering_refund 5 <q> <hold> <seen 0> <seen 1> <seen 2> <claim, c16 id, i8 units>
--   Gives units of this period back, once per id. Returns REFUNDED, with WAITS when they were used
--   in another epoch and PostgreSQL will give them back. TOO_MUCH: more than the period used
--   without its holds. TOO_MANY: too many ids are remembered, or too many units wait.
local function refund(keys, arguments)
    local at, text = now(), arguments[1] or ''
    if #text ~= CLAIM + 24 then return refusal(INVALID, at) end
    local id, units = struct.unpack('<c16i8', text, CLAIM + 1)
    if units < 1 or units > COST_MAX then return refusal(INVALID, at) end
    local field = 'r' .. id
    local v, holds, seen = prepare(keys, text:sub(1, CLAIM), field, at)
    if not v then return holds end
    local outcome, marks = REFUNDED, 0
    if seen.value then
        local _, waits, before = struct.unpack('<BBI4I4', seen.value)
        outcome = before == units and REFUNDED or OTHER_CALL
        marks = before == units and REPEATED + waits or 0
    elseif holds.mine then
        outcome, marks = REFUNDED, REPEATED + WAITS
    elseif seen.count + #holds.ended >= IDS_MAX then
        outcome = TOO_MANY
    elseif units > v.base + v.used - v.credited - holds.units then
        outcome = TOO_MUCH
    elseif units <= v.used - v.credited - holds.units then
        v.credited = v.credited + units
    elseif holds.open + holds.waiting >= HOLDS_MAX then
        outcome = TOO_MANY
    else
        marks = WAITS
        add_waiting(holds, field, { limit = 0, period = v.period, epoch = v.epoch }, units)
    end
    if outcome == REFUNDED and marks % 2 == 0 then
        holds.changed = true
        holds.ended[#holds.ended + 1] = { field, struct.pack('<BBI4I4', REFUNDED, marks, units, 0) }
    end
    local reply = counts_of(v, at)
    write_all(keys[1], v, holds, seen)
    return answer(outcome, marks, outcome == REFUNDED and units or 0, 0, reply)
end

-- FCALL metering_expire 5 <q> <hold> <seen 0> <seen 1> <seen 2> <claim> <fields, 17 bytes each>
--   Ends holds whose time has passed, and forgets the waiting units of `fields`, which PostgreSQL
--   has given back. Returns an answer and all that still waits: for each c17 field, I4 units, i8
--   period start. Safe to repeat.
local function expire(keys, arguments)
    local at, done = now(), arguments[2] or ''
    if #done % 17 ~= 0 or #done > 17 * HOLDS_MAX then return { refusal(INVALID, at), '' } end
    local v, holds, seen = prepare(keys, arguments[1] or '', 'h', at)
    if not v then return { holds, '' } end
    for i = 1, #done, 17 do
        local field = done:sub(i, i + 16)
        local found = redis.call('HGET', keys[2], field)
        local hold = found and unpack_hold(found)
        if hold and hold.waits == 1 and not holds.gone[field] then
            holds.waiting, holds.units = holds.waiting - 1, holds.units - hold.units
            holds.changed = true
            holds.gone[#holds.gone + 1], holds.gone[field] = field, true
        end
    end
    local reply = counts_of(v, at)
    write_all(keys[1], v, holds, seen)
    local waiting = {}
    if holds.waiting > 0 then
        local all = redis.call('HGETALL', keys[2])
        for i = 1, #all, 2 do
            local hold = all[i] ~= '' and unpack_hold(all[i + 1])
            if hold and hold.waits == 1 then
                waiting[#waiting + 1] = all[i] .. struct.pack('<I4i8', hold.units, hold.period)
            end
        end
    end
    return { answer(NOTHING, 0, 0, 0, reply), table.concat(waiting) }
end

redis.register_function { function_name = 'metering_check_once', callback = check_once }
redis.register_function { function_name = 'metering_reserve', callback = reserve }
redis.register_function {
    function_name = 'metering_commit', callback = commit, flags = { 'allow-oom' } }
redis.register_function {
    function_name = 'metering_release', callback = release, flags = { 'allow-oom' } }
redis.register_function {
    function_name = 'metering_refund', callback = refund, flags = { 'allow-oom' } }
redis.register_function {
    function_name = 'metering_expire', callback = expire, flags = { 'allow-oom' } }
