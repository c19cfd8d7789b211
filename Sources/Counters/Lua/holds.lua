-- The third part of the library: calls with a request id, reservations and refunds. It follows upkeep.lua in one text.
--
-- `hold:{<clinic>}` is a hash that exists while something is held. Field '' counts what the others are:
--     I2 open, I2 waiting, i8 no open hold ends before (us), i8 units of all, then for each limit I2 number, I2 open.
--   Field 'h' or 'r' and 16 bytes of id is a hold, or units of a hold ('h') or a refund ('r') that wait for
--   PostgreSQL because the count they were used in has left the value:
--     I2 limit, B 1 = waits, I4 units, i8 period start, c8 epoch, i8 ends (us).
-- `seen:{<clinic>}:0..2` are hashes of the ids of one hour each, hour mod 3: field '' is the hour since 1970, 'c',
--   'h' or 'r' and 16 bytes of id is what became of a call, a hold or a refund. An id is kept for two to three hours.
--
-- Rules beside those of metering.lua (docs/decisions/0015-holds.md says why):
--   * Every key is read before the first is written. What is refused changes nothing of its own; but whenever a
--     function of reservations sees a value, holds whose time has passed end, and a month or a server that has
--     changed is written down.
--   * Units go back to the count (period, epoch) in which they were used, once, never below what was used there.

local HOLDS_MAX, TTL_MAX = 1000, 86400000000
-- Ids of one hour: beyond the first bound calls are counted without being remembered, beyond the second the ends
-- of holds are not remembered and refunds are refused.
local CALLS_MAX, IDS_MAX = 50000, 60000
local HOUR = 3600000000
local NO_MARK = ('\0'):rep(32)
local CLAIM, CLAIM_FORMAT = 48, '<i8c8i8i8c8i8'
local HOLD_FORMAT, HOLD, BOOK, COUNT = '<I2BI4i8c8i8', 31, 20, 4

local NOTHING, COUNTED, RESERVED, COMMITTED, RELEASED, ENDED_ITSELF, REFUNDED = 0, 1, 2, 3, 4, 5, 6
local UNKNOWN, TOO_MUCH, TOO_MANY, TOO_MANY_OPEN, OTHER_CALL, OLD_LIMITS = 7, 8, 9, 10, 11, 12
local REPEATED, NOT_REMEMBERED, WAITS = 1, 2, 4

-- B outcome, B 1 = repeated + 2 = not remembered + 4 = waits for PostgreSQL, I2 zero, I4 units, i8 time (us: when the
-- hold ends; how long until one ends), then a reply as `check` gives it.
local function answer(outcome, marks, units, time, reply)
    return struct.pack('<BBI2I4i8', outcome, marks, 0, units, time) .. reply
end

local function refusal(verdict, at)
    return answer(NOTHING, 0, 0, 0, no_answer(verdict, at))
end

-- The value's counts as a reply without limits.
local function counts_of(v, at)
    return struct.pack(REPLY_FORMAT, ALLOWED, v.flags, 0, 0, 0, 0, 0, 0, v.version, v.epoch, v.period, v.used, v.credited,
        at, 0, v.base + v.used - v.credited, v.quota, v.period_end)
end

-- Ids of three hours

-- What is known of an id, and where it will be noted; nil when a key holds something else.
local function read_seen(keys, first, at, field)
    local hour = math.floor(at / HOUR)
    local seen = { key = keys[first + hour % 3], hour = hour, count = 0 }
    for i = first, first + 2 do
        local found = redis.pcall('HMGET', keys[i], '', field)
        if found.err then return nil end
        local of = tonumber(found[1] or nil)
        if of and of > hour - 3 then
            seen.value = found[2] or seen.value
            if keys[i] == seen.key then seen.begun, seen.count = true, redis.call('HLEN', keys[i]) - 1 end
        end
    end
    return seen
end

local function remember(seen, field, value)
    if not seen.begun then
        redis.call('DEL', seen.key)
        redis.call('HSET', seen.key, '', seen.hour)
        redis.call('PEXPIRE', seen.key, 3 * HOUR / 1000)
        seen.begun = true
    end
    redis.call('HSET', seen.key, field, value)
    seen.count = seen.count + 1
end

-- FCALL metering_check_once 4 <q> <seen 0> <seen 1> <seen 2> <request> <id, 16 bytes>   Counts a call once.
--   Returns outcome COUNTED and the reply of `check`; the same id again counts nothing, is REPEATED, and shows the
--   first verdict with the counts of now. A denied call is not remembered. The id of another call: OTHER_CALL.
local function check_once(keys, arguments)
    local at, request, id = now(), arguments[1] or '', arguments[2] or ''
    if #keys ~= 4 or #request ~= REQUEST or #id ~= 16 or request:byte(3) == PEEK then return refusal(INVALID, at) end
    local stamp, field = stamp_at(at, true), 'c' .. id
    local raw, seen = redis.pcall('GET', keys[1]), read_seen(keys, 2, at, field)
    if type(raw) == 'table' or not seen then return refusal(UNREADABLE, at) end
    local asked = request:sub(1, 12)
    if seen.value then
        local peeked = decide(raw, request:sub(1, 2) .. '\0' .. request:sub(4, 8) .. '\1\0\0\0' .. request:sub(13),
            at, stamp)
        if peeked:byte() > DENIED then return answer(NOTHING, 0, 0, 0, peeked) end
        if seen.value:sub(1, 12) ~= asked then return answer(OTHER_CALL, 0, 0, 0, peeked) end
        local first = seen.value:sub(13)
        return answer(COUNTED, REPEATED, 0, 0, struct.pack('B', ALLOWED) .. peeked:sub(2, 4) .. '\0\0\0\0' .. first
            .. peeked:sub(21, 68) .. ZERO .. peeked:sub(77))
    end
    local reply, written = decide(raw, request, at, stamp)
    if not written then return answer(NOTHING, 0, 0, 0, reply) end
    redis.call('SET', keys[1], written)
    if seen.count >= CALLS_MAX then return answer(COUNTED, NOT_REMEMBERED, 0, 0, reply) end
    remember(seen, field, asked .. reply:sub(9, 20))
    return answer(COUNTED, 0, 0, 0, reply)
end

-- Holds

local function unpack_hold(text)
    if #text ~= HOLD then return nil end
    local hold = {}
    hold.limit, hold.waits, hold.units, hold.period, hold.epoch, hold.ends = struct.unpack(HOLD_FORMAT, text)
    return hold
end

-- The book of a clinic's holds and the one of `field`; nil when the key holds something else.
local function read_book(key, field)
    local found = redis.pcall('HMGET', key, '', field)
    if found.err then return nil end
    local book = { key = key, open = 0, waiting = 0, ends = 0, units = 0, limits = {}, gone = {}, put = {} }
    if found[1] then
        if #found[1] < BOOK or (#found[1] - BOOK) % COUNT ~= 0 then return nil end
        local at
        book.open, book.waiting, book.ends, book.units, at = struct.unpack('<I2I2i8i8', found[1])
        while at <= #found[1] do
            local limit, open
            limit, open, at = struct.unpack('<I2I2', found[1], at)
            book.limits[limit] = open
        end
    end
    if found[2] then
        book.mine = unpack_hold(found[2])
        if not book.mine then return nil end
    end
    return book
end

-- Writes what changed, or nothing.
local function write_book(book)
    if not book.changed then return end
    for _, field in ipairs(book.gone) do redis.call('HDEL', book.key, field) end
    if book.open + book.waiting == 0 then
        redis.call('DEL', book.key)
        return
    end
    local numbers, parts = {}, { struct.pack('<I2I2i8i8', book.open, book.waiting, book.ends, book.units) }
    for limit in pairs(book.limits) do numbers[#numbers + 1] = limit end
    table.sort(numbers)
    for _, limit in ipairs(numbers) do parts[#parts + 1] = struct.pack('<I2I2', limit, book.limits[limit]) end
    redis.call('HSET', book.key, '', table.concat(parts))
    for field, hold in pairs(book.put) do
        redis.call('HSET', book.key, field,
            struct.pack(HOLD_FORMAT, hold.limit, hold.waits, hold.units, hold.period, hold.epoch, hold.ends))
    end
end

local function add_open(book, field, hold)
    book.open, book.units, book.changed = book.open + 1, book.units + hold.units, true
    book.limits[hold.limit] = (book.limits[hold.limit] or 0) + 1
    if book.ends == 0 or hold.ends < book.ends then book.ends = hold.ends end
    book.put[field] = hold
end

local function take_open(book, field, hold)
    book.open, book.units, book.changed = book.open - 1, book.units - hold.units, true
    local left = (book.limits[hold.limit] or 1) - 1
    book.limits[hold.limit] = left > 0 and left or nil
    if book.open == 0 then book.ends = 0 end
    book.gone[#book.gone + 1] = field
end

-- Units that PostgreSQL will give back: their count is no longer in the value.
local function add_waiting(book, field, hold, units)
    book.waiting, book.units, book.changed = book.waiting + 1, book.units + units, true
    book.put[field] = { limit = hold.limit, waits = 1, units = units, period = hold.period, epoch = hold.epoch,
        ends = 0 }
end

-- Gives units back to the count they were used in. False when the value no longer has it. A closed count that
-- PostgreSQL had confirmed has to be confirmed again.
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
local function finish(v, book, field, hold, state, actual)
    take_open(book, field, hold)
    local rest, marks = hold.units - actual, 0
    if rest > 0 and not give_back(v, hold.period, hold.epoch, rest) then
        add_waiting(book, field, hold, rest)
        marks = WAITS
    end
    book.ended[#book.ended + 1] = { field, struct.pack('<BBI4I4', state, marks, hold.units, actual) }
    return marks
end

-- Ends every open hold whose time has passed.
local function end_due(v, book, at)
    book.ended = {}
    if book.open == 0 or at < book.ends then return end
    local all, earliest = redis.call('HGETALL', book.key), 0
    book.changed = true
    for i = 1, #all, 2 do
        local field, hold = all[i], all[i] ~= '' and unpack_hold(all[i + 1])
        if hold and hold.waits == 0 then
            if hold.ends <= at then
                finish(v, book, field, hold, ENDED_ITSELF, 0)
            elseif earliest == 0 or hold.ends < earliest then
                earliest = hold.ends
            end
        end
    end
    book.ends = earliest
end

local function note_ended(seen, book)
    for _, ended in ipairs(book.ended) do
        if seen.count < IDS_MAX then remember(seen, ended[1], ended[2]) end
    end
end

-- What every function of reservations begins with. Claim: i8 mark period, c8 mark epoch, i8 mark used,
-- i8 mark credited, c8 nonce, i8 not after (us; 0 = any time): the end of a request. Returns the value as it is now,
-- the book and the ids, with holds that are due ended but nothing written; or nil and the refusal.
local function begin(keys, claim, field, at)
    if #keys ~= 5 or #claim ~= CLAIM then return nil, refusal(INVALID, at) end
    local period, epoch, used, credited, nonce, not_after = struct.unpack(CLAIM_FORMAT, claim)
    if not_after > 0 and at > not_after then return nil, refusal(EXPIRED, at) end
    local raw, book, seen = redis.pcall('GET', keys[1]), read_book(keys[2], field), read_seen(keys, 3, at, field)
    if type(raw) == 'table' or not book or not seen then return nil, refusal(UNREADABLE, at) end
    if not raw then return nil, refusal(MISS, at) end
    local now_so, verdict = brought_up_to(raw, at, stamp_at(at, true), period, epoch, used, credited, nonce)
    if not now_so then return nil, refusal(verdict, at) end
    local v = decode(now_so)
    book.changed = now_so ~= raw
    end_due(v, book, at)
    for _, ended in ipairs(book.ended) do
        if ended[1] == field then seen.value, book.mine = ended[2], nil end
    end
    return v, book, seen
end

local function write_all(key, v, book, seen)
    if not book.changed then return end
    redis.call('SET', key, encode(v))
    write_book(book)
    note_ended(seen, book)
end

-- How a hold ended, from what is remembered of it.
local function how_it_ended(text, reply, marks)
    local state, waits, _, actual = struct.unpack('<BBI4I4', text)
    return answer(state, marks + waits, actual, 0, reply)
end

-- FCALL metering_reserve 5 <q> <hold> <seen 0> <seen 1> <seen 2> <request of mode consume>
--     <c16 id, i8 time to live (us, 1…24 h), I4 open holds that the limit admits (0 = any), i8 config version that says so>
--   Counts the units and holds them. RESERVED with the time at which the hold ends; the same id again is REPEATED, or
--   says how the hold ended. TOO_MANY_OPEN with the time until one of the limit ends; TOO_MANY holds of the clinic;
--   OLD_LIMITS when the counter has a newer version: ask what it admits, then again. Else NOTHING and the verdict.
local function reserve(keys, arguments)
    local at, request, wish = now(), arguments[1] or '', arguments[2] or ''
    if #request ~= REQUEST or #wish ~= 36 or request:byte(3) ~= 1 then return refusal(INVALID, at) end
    local id, ttl, admitted, version = struct.unpack('<c16i8I4i8', wish)
    if ttl < 1 or ttl > TTL_MAX or admitted > HOLDS_MAX then return refusal(INVALID, at) end
    local limit, _, _, units = struct.unpack('<I2BBI4', request)
    local field = 'h' .. id
    local v, book, seen = begin(keys, request:sub(13), field, at)
    if not v then return book end

    local outcome, time, marks = nil, 0, 0
    if seen.value or book.mine then
        local reply = counts_of(v, at)
        write_all(keys[1], v, book, seen)
        if seen.value then return how_it_ended(seen.value, reply, REPEATED) end
        if book.mine.waits == 1 then return answer(ENDED_ITSELF, REPEATED + WAITS, 0, 0, reply) end
        local same = book.mine.limit == limit and book.mine.units == units
        return answer(same and RESERVED or OTHER_CALL, same and REPEATED or 0, book.mine.units, book.mine.ends, reply)
    elseif v.version > version then
        outcome = OLD_LIMITS
    elseif book.open + book.waiting >= HOLDS_MAX then
        outcome, time = TOO_MANY, book.ends > 0 and book.ends - at or 0
    elseif admitted > 0 and (book.limits[limit] or 0) >= admitted then
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
        write_all(keys[1], v, book, seen)
        return answer(outcome, 0, 0, time, reply)
    end

    -- The mark was heeded when the value was brought up to now.
    local reply, written = decide(encode(v), request:sub(1, 12) .. NO_MARK .. request:sub(45),
        at, v.stamp)
    if not written then
        write_all(keys[1], v, book, seen)
        return answer(NOTHING, 0, 0, 0, reply)
    end
    local after = decode(written)
    add_open(book, field, { limit = limit, waits = 0, units = units, period = after.period, epoch = after.epoch,
        ends = at + ttl })
    write_all(keys[1], after, book, seen)
    return answer(RESERVED, 0, units, at + ttl, reply)
end

-- Commit and release: COMMITTED or RELEASED with the units that stay used. Again, or after the hold ended: how it
-- ended, REPEATED, nothing changes. TOO_MUCH: more than was held. UNKNOWN: nobody reserved it, or hours ago.
local function settle_hold(keys, text, state)
    local at = now()
    if #text ~= CLAIM + 24 then return refusal(INVALID, at) end
    local id, actual = struct.unpack('<c16i8', text, CLAIM + 1)
    if actual < -1 or actual > COST_MAX then return refusal(INVALID, at) end
    local field = 'h' .. id
    local v, book, seen = begin(keys, text:sub(1, CLAIM), field, at)
    if not v then return book end
    local outcome, units, marks = UNKNOWN, 0, 0
    if seen.value then
        local reply = counts_of(v, at)
        write_all(keys[1], v, book, seen)
        return how_it_ended(seen.value, reply, REPEATED)
    elseif book.mine and book.mine.waits == 1 then
        outcome, marks = ENDED_ITSELF, REPEATED + WAITS
    elseif book.mine and actual > book.mine.units then
        outcome, units = TOO_MUCH, book.mine.units
    elseif book.mine then
        outcome, units = state, state == RELEASED and 0 or (actual < 0 and book.mine.units or actual)
        marks = finish(v, book, field, book.mine, state, units)
    end
    local reply = counts_of(v, at)
    write_all(keys[1], v, book, seen)
    return answer(outcome, marks, units, 0, reply)
end

-- FCALL metering_commit 5 <q> <hold> <seen 0> <seen 1> <seen 2> <claim, c16 id, i8 units that were used (-1 = all)>
local function commit(keys, arguments) return settle_hold(keys, arguments[1] or '', COMMITTED) end

-- FCALL metering_release 5 <q> <hold> <seen 0> <seen 1> <seen 2> <claim, c16 id, i8 -1>   Gives all of it back.
local function release(keys, arguments) return settle_hold(keys, arguments[1] or '', RELEASED) end

-- FCALL metering_refund 5 <q> <hold> <seen 0> <seen 1> <seen 2> <claim, c16 id, i8 units>   Gives units of this period
--   back, once for an id. REFUNDED; TOO_MUCH: more than the period used beside what is held; WAITS: they were used in
--   another epoch, and PostgreSQL will give them back. TOO_MANY: no room to remember the id, or for what waits.
local function refund(keys, arguments)
    local at, text = now(), arguments[1] or ''
    if #text ~= CLAIM + 24 then return refusal(INVALID, at) end
    local id, units = struct.unpack('<c16i8', text, CLAIM + 1)
    if units < 1 or units > COST_MAX then return refusal(INVALID, at) end
    local field = 'r' .. id
    local v, book, seen = begin(keys, text:sub(1, CLAIM), field, at)
    if not v then return book end
    local outcome, marks = REFUNDED, 0
    if seen.value then
        local _, waits, before = struct.unpack('<BBI4I4', seen.value)
        outcome, marks = before == units and REFUNDED or OTHER_CALL, before == units and REPEATED + waits or 0
    elseif book.mine then
        outcome, marks = REFUNDED, REPEATED + WAITS
    elseif seen.count + #book.ended >= IDS_MAX then
        outcome = TOO_MANY
    elseif units > v.base + v.used - v.credited - book.units then
        outcome = TOO_MUCH
    elseif units <= v.used - v.credited - book.units then
        v.credited = v.credited + units
    elseif book.open + book.waiting >= HOLDS_MAX then
        outcome = TOO_MANY
    else
        marks = WAITS
        add_waiting(book, field, { limit = 0, period = v.period, epoch = v.epoch }, units)
    end
    if outcome == REFUNDED and marks % 2 == 0 then
        book.changed = true
        book.ended[#book.ended + 1] = { field, struct.pack('<BBI4I4', REFUNDED, marks, units, 0) }
    end
    local reply = counts_of(v, at)
    write_all(keys[1], v, book, seen)
    return answer(outcome, marks, outcome == REFUNDED and units or 0, 0, reply)
end

-- FCALL metering_expire 5 <q> <hold> <seen 0> <seen 1> <seen 2> <claim> <fields, 17 bytes each>   Ends holds whose time has
--   passed, and forgets what of `fields` waited and PostgreSQL has given back. Returns an answer, and what waits: for
--   each its field c17, I4 units, i8 period start. Safe to repeat.
local function expire(keys, arguments)
    local at, done = now(), arguments[2] or ''
    if #done % 17 ~= 0 or #done > 17 * HOLDS_MAX then return { refusal(INVALID, at), '' } end
    local v, book, seen = begin(keys, arguments[1] or '', 'h', at)
    if not v then return { book, '' } end
    for i = 1, #done, 17 do
        local field = done:sub(i, i + 16)
        local found = redis.call('HGET', keys[2], field)
        local hold = found and unpack_hold(found)
        if hold and hold.waits == 1 and not book.gone[field] then
            book.waiting, book.units, book.changed = book.waiting - 1, book.units - hold.units, true
            book.gone[#book.gone + 1], book.gone[field] = field, true
        end
    end
    local reply = counts_of(v, at)
    write_all(keys[1], v, book, seen)
    local waiting = {}
    if book.waiting > 0 then
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
redis.register_function { function_name = 'metering_commit', callback = commit, flags = { 'allow-oom' } }
redis.register_function { function_name = 'metering_release', callback = release, flags = { 'allow-oom' } }
redis.register_function { function_name = 'metering_refund', callback = refund, flags = { 'allow-oom' } }
redis.register_function { function_name = 'metering_expire', callback = expire, flags = { 'allow-oom' } }
