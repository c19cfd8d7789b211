#!lua name=metering
-- What Redis knows about a clinic: one packed string at `q:{<clinic>}`, decided and counted in one call.
--
-- Rules that every function keeps (docs/decisions/0003-counting.md says why):
--   * Only now() reads a clock, and it is the clock of this Redis. Microseconds since 1970, below 2^53.
--   * Only an epoch names a count. It is minted when the key is created, when this server's stamp is
--     not the stored one, and when the caller's mark shows that Redis went back. It is never reused.
--   * Counts that end (a period rolled, an epoch was replaced) stay in the value until `settle`.
--   * A denial, a peek and an error change no byte. A key is read before it is written, and written once.
--
-- Value, little-endian:
--     0 B layout = 1   1 B flags   2 B limits n   3 B next limits m   4 B closed k   5 3 x zero
--     8 i8 config version   16 c8 stamp   24 c8 epoch   32 i8 period start
--    40 i8 used   48 i8 credited   56 i8 granted   64 i8 base
--    72 i8 period end   80 i8 end of the next period (0 = unknown)   88 i8 quota   96 i8 next quota (-1 = none)
--   104 n + m times: I2 id, I6 emission, I6 tolerance (m = 0: the next period keeps these limits)
--       n times: i8 GCRA time
--       k times: i8 period start, c8 epoch, i8 used, i8 credited, B settled

local VERSION, LAYOUT = 2, 1
local HEAD, LIMIT, TIME, CLOSED, CLOSED_MAX, LIMITS_MAX = 104, 14, 8, 33, 8, 8
local HEAD_FORMAT = '<BBBBBBBBi8c8c8i8i8i8i8i8i8i8i8i8'
local REPLY_FORMAT = '<BBBBI4i8c8i8i8i8i8i8i8i8i8'
local ZERO = '\0\0\0\0\0\0\0\0'
local INTEGER_MAX = 9007199254740991
local SPAN_MAX = 140737488355327
local COST_MAX = 1000000

local ALLOWED, DENIED, MISS, STALE, UNSETTLED, UNREADABLE, NO_SUCH_LIMIT, INVALID = 1, 2, 3, 4, 5, 6, 7, 8
local CONFIGURED, OLDER, CONFLICT, OTHER_PERIOD = 9, 10, 11, 12
local QUOTA_BIT, ENDED_BIT, READ_ONLY_BIT = 256, 512, 1024
local CONSUME, WRITES = 1, 1
local READ_ONLY, ENDED = 1, 2
-- The limit named `default` is there in every plan, if only with nothing to say; 0 asks for the quota alone.
local DEFAULT = 1

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2]
end

local function replication_id()
    return redis.call('INFO', 'replication'):match('master_replid:(%x+)')
end

local function first_8_bytes(hex)
    return (hex:sub(1, 16):gsub('%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
end

-- Which life of which server this is. Held for 100 ms, and only when a write function read it: a
-- read-only call on a replica must not fill what the same process trusts after its promotion.
local held_stamp, held_since = nil, 0
local function stamp_at(at, may_hold)
    if held_stamp and at >= held_since and at - held_since <= 100000 then return held_stamp end
    local stamp = first_8_bytes(redis.sha1hex(replication_id()))
    if may_hold then held_stamp, held_since = stamp, at end
    return stamp
end

local function mint(stamp, at, previous, nonce)
    return first_8_bytes(redis.sha1hex(stamp .. string.format('%.0f', at) .. previous .. nonce))
end

-- The value as a table, or nil when its layout or its bounds are not ours.
local function decode(raw)
    if #raw < HEAD then return nil end
    local v = {}
    local n, m, k, _
    v.layout, v.flags, n, m, k, _, _, _, v.version, v.stamp, v.epoch, v.period, v.used, v.credited,
        v.granted, v.base, v.period_end, v.next_end, v.quota, v.next_quota = struct.unpack(HEAD_FORMAT, raw)
    if v.layout ~= LAYOUT or n > LIMITS_MAX or m > LIMITS_MAX or k > CLOSED_MAX then return nil end
    if #raw ~= HEAD + (n + m) * LIMIT + n * TIME + k * CLOSED then return nil end
    local at = HEAD + 1
    v.limits, v.next_limits, v.closed = {}, {}, {}
    for i = 1, n + m do
        local limit = {}
        limit.id, limit.emission, limit.tolerance, at = struct.unpack('<I2I6I6', raw, at)
        if limit.emission < 1 or limit.emission > limit.tolerance then return nil end
        if i <= n then v.limits[i] = limit else v.next_limits[i - n] = limit end
    end
    for i = 1, n do v.limits[i].time, at = struct.unpack('<i8', raw, at) end
    for i = 1, k do
        local closed = {}
        closed.period, closed.epoch, closed.used, closed.credited, closed.settled, at =
            struct.unpack('<i8c8i8i8B', raw, at)
        v.closed[i] = closed
    end
    return v
end

local function encode(v)
    local parts = { struct.pack(HEAD_FORMAT, LAYOUT, v.flags, #v.limits, #v.next_limits, #v.closed, 0, 0, 0,
        v.version, v.stamp, v.epoch, v.period, v.used, v.credited, v.granted, v.base,
        v.period_end, v.next_end, v.quota, v.next_quota) }
    for _, list in ipairs({ v.limits, v.next_limits }) do
        for _, limit in ipairs(list) do
            parts[#parts + 1] = struct.pack('<I2I6I6', limit.id, limit.emission, limit.tolerance)
        end
    end
    for _, limit in ipairs(v.limits) do parts[#parts + 1] = struct.pack('<i8', limit.time) end
    for _, c in ipairs(v.closed) do
        parts[#parts + 1] = struct.pack('<i8c8i8i8B', c.period, c.epoch, c.used, c.credited, c.settled)
    end
    return table.concat(parts)
end

-- Keeps the running count as a closed one. False when eight unsettled counts leave no room.
local function close_count(v)
    if v.used == 0 and v.credited == 0 then return true end
    if #v.closed == CLOSED_MAX then
        local room
        for i, c in ipairs(v.closed) do
            if c.settled == 1 then room = i break end
        end
        if not room then return false end
        table.remove(v.closed, room)
    end
    v.closed[#v.closed + 1] =
        { period = v.period, epoch = v.epoch, used = v.used, credited = v.credited, settled = 0 }
    return true
end

-- Limits of the same id keep as many units used as before; others begin unused. 40 of 60 used at 20 a
-- second are 2,000,000 us ahead; at 40 a second with a burst of 100 they are 1,000,000 us, and 60 remain.
-- More than the new burst: none remains. A unit that is half paid for counts as used, where its time changes.
local function carry_times(old, new, at)
    local before = {}
    for _, limit in ipairs(old) do before[limit.id] = limit end
    for _, limit in ipairs(new) do
        local was = before[limit.id]
        limit.time = was and was.time or 0
        if limit.time > at then
            local used = math.min(limit.time, at + was.tolerance) - at
            if limit.emission ~= was.emission then
                local units = math.ceil(used / was.emission)
                used = units > math.floor(limit.tolerance / limit.emission) and limit.tolerance
                    or units * limit.emission
            end
            limit.time = at + math.min(used, limit.tolerance)
        end
    end
    return new
end

-- True when the caller has seen more than this value holds: Redis lost a tail of its writes.
local function went_back(v, mark_period, mark_epoch, mark_used, mark_credited)
    if mark_epoch == ZERO or mark_period < v.period then return false end
    if mark_epoch == v.epoch then
        return mark_period > v.period or mark_used > v.used or mark_credited > v.credited
    end
    for _, c in ipairs(v.closed) do
        if c.epoch == mark_epoch then return false end
    end
    return true
end

-- Starts a new epoch within the period: what was counted so far goes to `base`.
local function switch_epoch(v, at, stamp, nonce)
    if not close_count(v) then return false end
    v.base = v.base + v.used - v.credited
    v.epoch, v.stamp = mint(stamp, at, v.epoch, nonce), stamp
    v.used, v.credited, v.granted = 0, 0, 0
    return true
end

-- Enters the period that begins at `start`; its end, quota and limits are set by the caller.
local function enter_period(v, start)
    if not close_count(v) then return false end
    v.period, v.used, v.credited, v.granted, v.base = start, 0, 0, 0, 0
    return true
end

local function roll(v, at)
    if v.next_end == 0 or at >= v.next_end then return STALE end
    if not enter_period(v, v.period_end) then return UNSETTLED end
    v.period_end, v.next_end, v.quota = v.next_end, 0, v.next_quota
    if #v.next_limits > 0 then
        v.limits, v.next_limits = carry_times(v.limits, v.next_limits, at), {}
    end
end

-- The value as it must be before anything is counted now, or nil and the verdict that forbids it.
local function brought_up_to(raw, at, stamp, mark_period, mark_epoch, mark_used, mark_credited, nonce)
    local v = decode(raw)
    if not v then return nil, UNREADABLE end
    local behind = went_back(v, mark_period, mark_epoch, mark_used, mark_credited)
    if at >= v.period_end then
        local verdict = roll(v, at)
        if verdict then return nil, verdict end
    end
    if behind or v.stamp ~= stamp then
        if not switch_epoch(v, at, stamp, nonce) then return nil, UNSETTLED end
    end
    return encode(v)
end

local function no_answer(verdict, at)
    return struct.pack(REPLY_FORMAT, verdict, 0, 0, 0, 0, 0, ZERO, 0, 0, 0, at, 0, 0, 0, 0)
end

-- Decides one request on one value. Returns the reply, and the value to write when something changed.
-- Request: I2 limit, B mode, B access (1 = writes), I4 cost, i8 mark period, c8 mark epoch, i8 mark used,
--          i8 mark credited, c8 nonce.
local function decide(raw, request, at, stamp)
    if #request ~= 48 then return no_answer(INVALID, at) end
    local wanted, mode, access, cost, mark_period, mark_epoch, mark_used, mark_credited, nonce =
        struct.unpack('<I2BBI4i8c8i8i8c8', request)
    if mode > CONSUME or access > WRITES or cost < 1 or cost > COST_MAX then return no_answer(INVALID, at) end
    if not raw then return no_answer(MISS, at) end
    if #raw < HEAD then return no_answer(UNREADABLE, at) end

    local layout, flags, n, m, k, _, _, _, version, old_stamp, epoch, period, used, credited, granted,
        base, period_end, next_end, quota, next_quota = struct.unpack(HEAD_FORMAT, raw)
    if layout ~= LAYOUT or n > LIMITS_MAX or #raw ~= HEAD + (n + m) * LIMIT + n * TIME + k * CLOSED then
        return no_answer(UNREADABLE, at)
    end
    local stored_epoch, stored_period, stored_used, stored_credited = epoch, period, used, credited
    if at >= period_end or stamp ~= old_stamp or (mark_epoch ~= epoch and mark_epoch ~= ZERO)
        or mark_used > used or mark_credited > credited or mark_period > period then
        local verdict
        raw, verdict = brought_up_to(raw, at, stamp, mark_period, mark_epoch, mark_used, mark_credited, nonce)
        if not raw then return no_answer(verdict, at) end
        layout, flags, n, m, k, _, _, _, version, old_stamp, epoch, period, used, credited, granted,
            base, period_end, next_end, quota, next_quota = struct.unpack(HEAD_FORMAT, raw)
    end

    local mask, wait, found = 0, 0, wanted <= DEFAULT
    local times, limits, bit = {}, {}, 1
    local limit_at, time_at = HEAD + 1, HEAD + (n + m) * LIMIT + 1
    for i = 1, n do
        local id, emission, tolerance, time
        id, emission, tolerance, limit_at = struct.unpack('<I2I6I6', raw, limit_at)
        time, time_at = struct.unpack('<i8', raw, time_at)
        if emission < 1 or emission > tolerance then return no_answer(UNREADABLE, at) end
        local clamped = math.max(at, math.min(time, at + tolerance))
        local burst = math.floor(tolerance / emission)
        limits[i] = { id, emission, tolerance, burst, clamped }
        times[i] = time
        if math.floor(id / 4) == wanted then
            found = true
            if cost > burst then
                mask, wait = mask + bit, -1
            else
                local after = clamped + cost * emission
                local too_early = after - at - tolerance
                if too_early > 0 then
                    mask = mask + bit
                    if wait >= 0 then wait = math.max(wait, too_early) end
                elseif mode == CONSUME then
                    times[i], limits[i][6] = after, after
                end
            end
        end
        bit = bit * 2
    end
    if not found then return no_answer(NO_SUCH_LIMIT, at) end
    if quota >= 0 and base + used - credited + cost > quota then
        mask = mask + QUOTA_BIT
        if next_quota >= 0 and cost > next_quota then wait = -1
        elseif wait >= 0 then wait = math.max(wait, period_end - at) end
    end
    -- 2 = the subscription has ended, 3 = the clinic was deleted.
    if flags % 4 >= ENDED then mask, wait = mask + ENDED_BIT, -1 end
    if flags % 4 == READ_ONLY and access == WRITES then mask, wait = mask + READ_ONLY_BIT, -1 end

    local written
    if mask == 0 and mode == CONSUME then
        if used + cost > INTEGER_MAX then return no_answer(INVALID, at) end
        used = used + cost
        local parts = { raw:sub(1, 40), struct.pack('<i8', used), raw:sub(49, HEAD + (n + m) * LIMIT) }
        for i = 1, n do parts[i + 3] = struct.pack('<i8', times[i]) end
        parts[n + 4] = raw:sub(HEAD + (n + m) * LIMIT + n * TIME + 1)
        written = table.concat(parts)
        stored_epoch, stored_period, stored_used, stored_credited = epoch, period, used, credited
    end
    local reply = { struct.pack(REPLY_FORMAT, mask == 0 and ALLOWED or DENIED, flags, n, 0, mask, version,
        stored_epoch, stored_period, stored_used, stored_credited, at, wait,
        base + used - credited, quota, period_end) }
    for i = 1, n do
        local id, emission, tolerance, burst, clamped = unpack(limits[i], 1, 5)
        local time = mask == 0 and limits[i][6] or clamped
        reply[i + 1] = struct.pack('<I2i8i8i8i8', id, math.floor((tolerance - (time - at)) / emission),
            time - at, burst, tolerance)
    end
    return table.concat(reply), written
end

-- FCALL metering_check <n> <key>… <request>…   Counts what is allowed.
--   Returns n replies in the order of the keys, each a packed string:
--   B verdict, B flags, B limits, B zero, I4 mask of what said no (bit i = limit i, 256 quota, 512 ended, 1024 read only),
--   i8 config version, mark as stored (c8 epoch, i8 period, i8 used, i8 credited), i8 now,
--   i8 wait (us, -1 = waiting does not help), i8 units of this period, i8 quota, i8 period end,
--   then per limit I2 id, i8 remaining, i8 until full (us), i8 burst, i8 tolerance (us).
-- A value that cannot be read or written fails alone. Safe to repeat only as another check.
local function check(keys, arguments)
    local at = now()
    local stamp, replies = stamp_at(at, true), {}
    for i, key in ipairs(keys) do
        local raw, reply, written = redis.pcall('GET', key)
        if type(raw) == 'table' then
            reply = no_answer(UNREADABLE, at)
        else
            reply, written = decide(raw, arguments[i] or '', at, stamp)
            if written and redis.pcall('SET', key, written).err then reply = no_answer(UNREADABLE, at) end
        end
        replies[i] = reply
    end
    return replies
end

-- FCALL_RO metering_peek <n> <key>… <request>…   The same answer without counting. Writes nothing.
local function peek(keys, arguments)
    local at = now()
    local stamp, replies = stamp_at(at, false), {}
    for i, key in ipairs(keys) do
        local raw = redis.pcall('GET', key)
        if type(raw) == 'table' then
            replies[i] = no_answer(UNREADABLE, at)
        else
            local request = arguments[i] or ''
            if #request == 48 then request = request:sub(1, 2) .. '\0' .. request:sub(4) end
            replies[i] = decide(raw, request, at, stamp)
        end
    end
    return replies
end

-- Reads a configuration, or returns nil when it is not one.
--   B flags, B limits n, B next limits m, B zero, i8 config version, i8 period start, i8 period end,
--   i8 end of the next period (0 = unknown), i8 quota, i8 next quota, i8 base period, c8 base epoch, i8 base,
--   c8 nonce, then n + m limits as in the value.
local function read_configuration(text)
    if not text or #text < 84 then return nil end
    local c, at, n, m, _ = {}, nil, nil, nil, nil
    c.flags, n, m, _, c.version, c.period, c.period_end, c.next_end, c.quota, c.next_quota, c.base_period,
        c.base_epoch, c.base, c.nonce, at = struct.unpack('<BBBBi8i8i8i8i8i8i8c8i8c8', text)
    if n > LIMITS_MAX or m > LIMITS_MAX or #text ~= 84 + (n + m) * LIMIT then return nil end
    if c.version < 0 or c.version > INTEGER_MAX or c.period < 0 or c.period_end <= c.period
        or c.period_end > INTEGER_MAX or c.next_end > INTEGER_MAX or c.base < -INTEGER_MAX
        or c.base > INTEGER_MAX or (c.next_end ~= 0 and c.next_end <= c.period_end)
        or c.quota < -1 or c.quota > INTEGER_MAX or c.next_quota < -1 or c.next_quota > INTEGER_MAX then
        return nil
    end
    c.limits, c.next_limits = {}, {}
    for i = 1, n + m do
        local limit = {}
        limit.id, limit.emission, limit.tolerance, at = struct.unpack('<I2I6I6', text, at)
        if limit.emission < 1 or limit.tolerance < limit.emission or limit.tolerance > SPAN_MAX then return nil end
        if i <= n then c.limits[i] = limit else c.next_limits[i - n] = limit end
    end
    return c
end

-- A configuration made before a period ended, read after it: its next period is the current one.
local function shifted(c, at)
    if at < c.period_end then return c end
    if c.next_end == 0 or at >= c.next_end then return nil end
    c.period, c.period_end, c.next_end, c.quota, c.base = c.period_end, c.next_end, 0, c.next_quota, 0
    if #c.next_limits > 0 then c.limits, c.next_limits = c.next_limits, {} end
    return c
end

local function same_inputs(v, c)
    if v.flags ~= c.flags or v.quota ~= c.quota or #v.limits ~= #c.limits then return false end
    for i, limit in ipairs(v.limits) do
        local other = c.limits[i]
        if limit.id ~= other.id or limit.emission ~= other.emission or limit.tolerance ~= other.tolerance then
            return false
        end
    end
    return true
end

local function configured(raw, c, at, stamp)
    if not raw then
        if c.base_epoch ~= ZERO then return nil, MISS end
        return { flags = c.flags, version = c.version, stamp = stamp, epoch = mint(stamp, at, ZERO, c.nonce),
            period = c.period, used = 0, credited = 0, granted = 0, base = c.base, limits = {}, closed = {} }
    end
    local v = decode(raw)
    if not v then return nil, UNREADABLE end
    if c.version < v.version then return v, OLDER end
    if c.period < v.period or (c.period > v.period and at < v.period_end) then return v, OTHER_PERIOD end
    if c.period > v.period then
        if not enter_period(v, c.period) then return v, UNSETTLED end
    elseif c.version == v.version and not same_inputs(v, c) then
        return v, CONFLICT
    end
    if v.stamp ~= stamp and not switch_epoch(v, at, stamp, c.nonce) then return v, UNSETTLED end
    if c.base_epoch == v.epoch and c.base_period == v.period then v.base = c.base end
    return v
end

-- FCALL metering_configure 1 <key> <configuration>   Replaces bounds, quota and limits; counts stay.
--   Creates the value when it is missing. Returns one reply as `check` does: CONFIGURED, or why nothing
--   changed (OLDER, CONFLICT, OTHER_PERIOD, STALE, UNSETTLED, UNREADABLE, INVALID; MISS when it names an
--   epoch and nothing is there: its base leaves that epoch out). Safe to repeat.
local function configure(keys, arguments)
    local at = now()
    local c = read_configuration(arguments[1])
    if not c then return no_answer(INVALID, at) end
    if not shifted(c, at) then return no_answer(STALE, at) end
    local v, refusal = configured(redis.call('GET', keys[1]), c, at, stamp_at(at, true))
    if not v then return no_answer(refusal, at) end
    if not refusal then
        v.flags, v.version, v.period_end, v.next_end = c.flags, c.version, c.period_end, c.next_end
        v.quota, v.next_quota = c.quota, c.next_quota
        v.limits, v.next_limits = carry_times(v.limits, c.limits, at), c.next_limits
        redis.call('SET', keys[1], encode(v))
    elseif refusal == UNSETTLED then
        return no_answer(UNSETTLED, at)
    end
    return struct.pack(REPLY_FORMAT, refusal or CONFIGURED, v.flags, 0, 0, 0, v.version, v.epoch, v.period,
        v.used, v.credited, at, 0, v.base + v.used - v.credited, v.quota, v.period_end)
end

-- FCALL metering_settle 1 <key> <closed counts>   After PostgreSQL committed these closed counts
--   (each i8 period, c8 epoch, i8 used, i8 credited), marks those whose numbers are equal as settled, and
--   drops settled ones of earlier periods. Returns how many were marked. Safe to repeat.
local function settle(keys, arguments)
    local raw, text = redis.call('GET', keys[1]), arguments[1] or ''
    if not raw or #text % 32 ~= 0 then return 0 end
    local v = decode(raw)
    if not v then return 0 end
    local marked, at = 0, 1
    while at <= #text do
        local period, epoch, used, credited
        period, epoch, used, credited, at = struct.unpack('<i8c8i8i8', text, at)
        for _, c in ipairs(v.closed) do
            if c.settled == 0 and c.period == period and c.epoch == epoch and c.used == used
                and c.credited == credited then
                c.settled, marked = 1, marked + 1
            end
        end
    end
    local kept = {}
    for _, c in ipairs(v.closed) do
        if c.settled == 0 or c.period >= v.period then kept[#kept + 1] = c end
    end
    if marked > 0 or #kept < #v.closed then
        v.closed = kept
        redis.call('SET', keys[1], encode(v))
    end
    return marked
end

-- FCALL metering_forget 1 <key> <i8 period, c8 epoch, i8 used, i8 credited>   Deletes the value only if
--   PostgreSQL confirmed exactly this running count and every closed count is settled. Returns 0 or 1.
local function forget(keys, arguments)
    local raw, text = redis.call('GET', keys[1]), arguments[1] or ''
    if not raw or #text ~= 32 then return 0 end
    local v = decode(raw)
    if not v then return 0 end
    local period, epoch, used, credited = struct.unpack('<i8c8i8i8', text)
    if v.period ~= period or v.epoch ~= epoch or v.used ~= used or v.credited ~= credited then return 0 end
    for _, c in ipairs(v.closed) do
        if c.settled == 0 then return 0 end
    end
    return redis.call('DEL', keys[1])
end

redis.register_function { function_name = 'metering_check', callback = check, flags = { 'allow-oom' } }
redis.register_function { function_name = 'metering_peek', callback = peek, flags = { 'no-writes' } }
redis.register_function { function_name = 'metering_configure', callback = configure, flags = { 'allow-oom' } }
redis.register_function { function_name = 'metering_settle', callback = settle, flags = { 'allow-oom' } }
redis.register_function { function_name = 'metering_forget', callback = forget, flags = { 'allow-oom' } }
redis.register_function {
    function_name = 'metering_version', callback = function() return VERSION end, flags = { 'no-writes' } }
