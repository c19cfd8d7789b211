#!lua name=metering
-- The counter of a clinic: one packed string at `q:{<clinic>}`. One call decides and counts.
--
-- Rules of every function (docs/decisions/0003-counting.md explains them):
--   * Only now() reads a clock: that of this Redis, in microseconds since 1970, below 2^53.
--   * Only an epoch names a count. A new one is minted when the key is created, when this server's
--     stamp differs from the stored one, and when the caller's mark shows that Redis lost writes.
--     An epoch is never reused.
--   * Counts that end (the period rolled, the epoch was replaced) stay in the value until `settle`.
--   * A denial, a peek and an error change no byte.
--   * A key is read before it is written, and written once.
--
-- Value, little-endian:
--     0 B layout = 1   1 B flags   2 B limits n   3 B next limits m   4 B closed k
--     5 B limits in shadow (bit i = limit i)   6 B next limits in shadow
--     7 B 1 = the quota is in shadow
--     8 i8 config version   16 c8 stamp   24 c8 epoch   32 i8 period start
--    40 i8 used   48 i8 credited   56 i8 granted   64 i8 base
--    72 i8 period end   80 i8 end of the next period (0 = unknown)
--    88 i8 quota   96 i8 next quota (-1 = none)
--   104 n + m times: I2 id, I6 emission, I6 tolerance (m = 0: the next period keeps these limits)
--       n times: i8 GCRA time
--       k times: i8 period start, c8 epoch, i8 used, i8 credited, B settled

local VERSION, LAYOUT = 4, 1
local HEAD, LIMIT, TIME, CLOSED, CLOSED_MAX, LIMITS_MAX = 104, 14, 8, 33, 8, 8
local HEAD_FORMAT = '<BBBBBBBBi8c8c8i8i8i8i8i8i8i8i8i8'
local REQUEST_FORMAT, REQUEST = '<I2BBI4I4i8c8i8i8c8i8', 60
local REPLY_FORMAT, REPLY = '<BBBBI4I4I4I4i8c8i8i8i8i8i8i8i8i8', 100
local ZERO = '\0\0\0\0\0\0\0\0'
local INTEGER_MAX = 9007199254740991
local SPAN_MAX = 140737488355327
local COST_MAX, COUNT_MAX = 1000000, 1000000

local ALLOWED, DENIED, MISS, STALE, UNSETTLED = 1, 2, 3, 4, 5
local UNREADABLE, NO_SUCH_LIMIT, INVALID = 6, 7, 8
local CONFIGURED, OLDER, CONFLICT, OTHER_PERIOD, EXPIRED = 9, 10, 11, 12, 13
local QUOTA_BIT, ENDED_BIT, READ_ONLY_BIT = 256, 512, 1024
local PEEK, FORCE, AT_MOST, WRITES = 0, 2, 3, 1
-- 2 = the subscription has ended, 3 = the clinic was deleted.
local READ_ONLY, ENDED, GONE = 1, 2, 3
-- Every plan has the limit `default`, which may be unlimited; 0 checks only the quota.
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

-- The stamp of this server. Cached for 100 ms, and only by functions that write: a read-only call
-- on a replica must not fill the cache that the same process trusts after its promotion.
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

-- The value as a table, or nil when its layout or a bound is wrong.
local function decode(raw)
    if #raw < HEAD then return nil end
    local v = {}
    local n, m, k
    v.layout, v.flags, n, m, k, v.shadow, v.next_shadow, v.quota_shadow, v.version, v.stamp,
        v.epoch, v.period, v.used, v.credited, v.granted, v.base, v.period_end, v.next_end, v.quota,
        v.next_quota =
        struct.unpack(HEAD_FORMAT, raw)
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
    local parts = { struct.pack(HEAD_FORMAT, LAYOUT, v.flags, #v.limits, #v.next_limits, #v.closed,
        v.shadow, v.next_shadow, v.quota_shadow, v.version, v.stamp, v.epoch, v.period, v.used,
        v.credited, v.granted, v.base, v.period_end, v.next_end, v.quota, v.next_quota) }
    for _, list in ipairs({ v.limits, v.next_limits }) do
        for _, limit in ipairs(list) do
            parts[#parts + 1] = struct.pack('<I2I6I6', limit.id, limit.emission, limit.tolerance)
        end
    end
    for _, limit in ipairs(v.limits) do parts[#parts + 1] = struct.pack('<i8', limit.time) end
    for _, c in ipairs(v.closed) do
        parts[#parts + 1] =
            struct.pack('<i8c8i8i8B', c.period, c.epoch, c.used, c.credited, c.settled)
    end
    return table.concat(parts)
end

-- Keeps the running count as a closed one. False when all eight places hold unsettled counts.
local function close_count(v)
    if v.used == 0 and v.credited == 0 then return true end
    if #v.closed == CLOSED_MAX then
        local oldest
        for i, c in ipairs(v.closed) do
            if c.settled == 1 then oldest = i break end
        end
        if not oldest then return false end
        table.remove(v.closed, oldest)
    end
    v.closed[#v.closed + 1] =
        { period = v.period, epoch = v.epoch, used = v.used, credited = v.credited, settled = 0 }
    return true
end

-- A limit of the same id keeps its used units; a new limit starts unused.
-- 40 of 60 used at 20 per second are 2,000,000 us ahead; at 40 per second with a burst of 100 they
-- are 1,000,000 us, and 60 remain. When more was used than the new burst, none remain.
-- When the emission changes, a partly recovered unit counts as used.
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

-- Starts a new epoch within the period. `base` takes the units counted so far, and the `lost` units
-- that this value no longer has but a mark names.
local function switch_epoch(v, at, stamp, nonce, lost)
    if not close_count(v) then return false end
    v.base = math.min(v.base + v.used - v.credited + lost, INTEGER_MAX)
    v.epoch, v.stamp = mint(stamp, at, v.epoch, nonce), stamp
    v.used, v.credited, v.granted = 0, 0, 0
    return true
end

-- Enters the period that starts at `start`. The caller sets its end, quota and limits.
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
        v.shadow, v.next_shadow = v.next_shadow, 0
    end
end

-- The value in the current period and epoch, ready to count; or nil and the verdict of a refusal.
local function bring_up_to_date(raw, at, stamp, mark_period, mark_epoch, mark_used, mark_credited,
    nonce)
    local v = decode(raw)
    if not v then return nil, UNREADABLE end
    local behind = went_back(v, mark_period, mark_epoch, mark_used, mark_credited)
    local lost = 0
    if mark_epoch == v.epoch and mark_period == v.period and at < v.period_end then
        lost = math.max(0, mark_used - mark_credited - (v.used - v.credited))
    end
    if at >= v.period_end then
        local verdict = roll(v, at)
        if verdict then return nil, verdict end
    end
    if behind or v.stamp ~= stamp then
        if not switch_epoch(v, at, stamp, nonce, lost) then return nil, UNSETTLED end
    end
    return encode(v)
end

local function no_answer(verdict, at)
    return struct.pack(REPLY_FORMAT, verdict, 0, 0, 0, 0, 0, 0, 0, 0, ZERO, 0, 0, 0, at, 0, 0, 0, 0)
end

-- Of each limit that the check names: index, emission, tolerance, time ahead, copies that fit.
-- One table for all checks, because creating a table takes longer than filling it.
local CHECKED = {}

-- Decides one request on one value. Returns the reply, and the value to write when it changed.
-- Request: I2 limit, B mode, B access (1 = writes), I4 cost, I4 count, i8 mark period,
--          c8 mark epoch, i8 mark used, i8 mark credited, c8 nonce,
--          i8 not after (us, the clock of this Redis; 0 = never late).
-- Modes: 0 peek: counts nothing.
--        1 consume: counts when the limits, quota and standing admit it.
--        2 force: counts a call that has already happened, whatever they say.
--        3 at most: counts as many of `count` copies as they admit.
-- A limit or quota in shadow counts like an enforced one, and never denies.
local function decide(raw, request, at, stamp)
    local pack, unpacked, min = struct.pack, struct.unpack, math.min
    if #request ~= REQUEST then return no_answer(INVALID, at) end
    local wanted, mode, access, cost, count, mark_period, mark_epoch, mark_used, mark_credited,
        nonce, not_after = unpacked(REQUEST_FORMAT, request)
    if mode > AT_MOST or access > WRITES or cost < 1 or cost > COST_MAX or not_after < 0
        or (count ~= 1 and (mode ~= AT_MOST or count < 1 or count > COUNT_MAX)) then
        return no_answer(INVALID, at)
    end
    if not_after > 0 and at > not_after then return no_answer(EXPIRED, at) end
    if not raw then return no_answer(MISS, at) end
    if #raw < HEAD then return no_answer(UNREADABLE, at) end

    local layout, flags, n, m, k, shadow, next_shadow, quota_shadow, version, old_stamp, epoch,
        period, used, credited, granted, base, period_end, next_end, quota, next_quota =
        unpacked(HEAD_FORMAT, raw)
    if layout ~= LAYOUT or n > LIMITS_MAX or m > LIMITS_MAX
        or #raw ~= HEAD + (n + m) * LIMIT + n * TIME + k * CLOSED then
        return no_answer(UNREADABLE, at)
    end
    local stored_epoch, stored_period, stored_used, stored_credited = epoch, period, used, credited
    if at >= period_end or stamp ~= old_stamp or (mark_epoch ~= epoch and mark_epoch ~= ZERO)
        or mark_used > used or mark_credited > credited or mark_period > period then
        local verdict
        raw, verdict = bring_up_to_date(raw, at, stamp, mark_period, mark_epoch, mark_used,
            mark_credited, nonce)
        if not raw then return no_answer(verdict, at) end
        layout, flags, n, m, k, shadow, next_shadow, quota_shadow, version, old_stamp, epoch,
            period, used, credited, granted, base, period_end, next_end, quota, next_quota =
            unpacked(HEAD_FORMAT, raw)
    end

    -- Copies that the enforced limits admit, and copies that the ones in shadow would admit.
    local admits, shadow_admits, checked = count, count, 0
    local first_low, first_high = wanted * 4 % 256, math.floor(wanted / 64)
    local times_at = HEAD + (n + m) * LIMIT
    for i = 0, n - 1 do
        local limit_at = HEAD + i * LIMIT + 1
        local low, high = raw:byte(limit_at, limit_at + 1)
        if high == first_high and low >= first_low and low < first_low + 4 then
            local emission, tolerance = unpacked('<I6I6', raw, limit_at + 2)
            if emission < 1 or emission > tolerance then return no_answer(UNREADABLE, at) end
            local ahead = unpacked('<i8', raw, times_at + i * TIME + 1) - at
            ahead = ahead < 0 and 0 or ahead > tolerance and tolerance or ahead
            local units = (tolerance - ahead) / emission
            local fits = (units - units % 1) / cost
            fits = fits - fits % 1
            if shadow > 0 and shadow % (2 ^ i * 2) >= 2 ^ i then
                if fits < shadow_admits then shadow_admits = fits end
            elseif fits < admits then
                admits = fits
            end
            CHECKED[checked + 1], CHECKED[checked + 2], CHECKED[checked + 3] = i, emission, tolerance
            CHECKED[checked + 4], CHECKED[checked + 5] = ahead, fits
            checked = checked + 5
        end
    end
    if checked == 0 and wanted > DEFAULT and mode ~= FORCE then
        return no_answer(NO_SUCH_LIMIT, at)
    end
    local quota_fits = count
    if quota >= 0 then
        local left = quota - (base + used - credited)
        if left < cost * count then
            quota_fits = left < cost and 0 or math.floor(left / cost)
            if quota_shadow == 1 then
                shadow_admits = min(shadow_admits, quota_fits)
            else
                admits = min(admits, quota_fits)
            end
        end
    end
    local standing = flags % 4
    if standing >= ENDED or (standing == READ_ONLY and access == WRITES) then admits = 0 end

    -- The mask names what denies the first copy beyond `admits`; it is 0 when all are admitted.
    local copies, tried = admits, min(admits + 1, count)
    if mode == FORCE then copies = standing == GONE and 0 or 1 end
    local clean = min(shadow_admits, copies)
    local counts = copies > 0 and mode ~= PEEK
    if counts and used + copies * cost > INTEGER_MAX then return no_answer(INVALID, at) end

    local mask, would_deny, wait, times = 0, 0, 0, raw:sub(times_at + 1, times_at + n * TIME)
    for j = 1, checked, 5 do
        local i, emission, tolerance, ahead, fits = unpack(CHECKED, j, j + 4)
        local in_shadow, moved = shadow > 0 and shadow % (2 ^ i * 2) >= 2 ^ i, copies
        if fits < tried then
            if in_shadow then
                would_deny = would_deny + 2 ^ i
            else
                mask = mask + 2 ^ i
                if cost * emission > tolerance then wait = -1
                elseif wait >= 0 then
                    wait = math.max(wait, ahead + (admits + 1) * cost * emission - tolerance)
                end
            end
        end
        if in_shadow and mode ~= FORCE then moved = clean end
        if counts and moved > 0 then
            times = times:sub(1, i * TIME)
                .. pack('<i8', at + min(ahead + moved * cost * emission, tolerance))
                .. times:sub(i * TIME + 9)
        end
    end
    if quota_fits < tried then
        if quota_shadow == 1 then
            would_deny = would_deny + QUOTA_BIT
        else
            mask = mask + QUOTA_BIT
            if next_quota >= 0 and cost > next_quota then wait = -1
            elseif wait >= 0 then wait = math.max(wait, period_end - at) end
        end
    end
    if standing >= ENDED then mask, wait = mask + ENDED_BIT, -1 end
    if standing == READ_ONLY and access == WRITES then mask, wait = mask + READ_ONLY_BIT, -1 end

    local written
    if counts then
        used = used + copies * cost
        written = raw:sub(1, 40) .. pack('<i8', used) .. raw:sub(49, times_at) .. times
            .. raw:sub(times_at + n * TIME + 1)
        stored_epoch, stored_period, stored_used, stored_credited = epoch, period, used, credited
    end
    return pack(REPLY_FORMAT, copies > 0 and ALLOWED or DENIED, flags, n, shadow, mask, would_deny,
        copies, clean, version, stored_epoch, stored_period, stored_used, stored_credited, at, wait,
        base + used - credited, quota, period_end)
        .. raw:sub(HEAD + 1, HEAD + n * LIMIT) .. times, written
end

-- FCALL metering_check <n> <key>… <request>…   Counts the calls that it allows.
--   Returns n replies in the order of the keys, each a packed string:
--   B verdict, B flags, B limits, B limits in shadow,
--   I4 mask of what denied (bit i = limit i, 256 quota, 512 ended, 1024 read only; with `force`,
--     what would have denied), I4 mask of what is in shadow and would have denied,
--   I4 copies admitted, I4 how many of them nothing in shadow would have denied,
--   i8 config version, mark as stored (c8 epoch, i8 period, i8 used, i8 credited), i8 now,
--   i8 wait until one more copy can be admitted (us, -1 = waiting does not help),
--   i8 units of this period, i8 quota, i8 period end,
--   then the limits as in the value (I2 id, I6 emission, I6 tolerance) and their times after the
--   call.
-- A value that cannot be read or written fails alone. A repeat counts as another check.
local function check(keys, arguments)
    local at = now()
    local stamp, replies = stamp_at(at, true), {}
    for i, key in ipairs(keys) do
        local request = arguments[i] or ''
        local raw, reply, written = redis.pcall('GET', key)
        if type(raw) == 'table' then
            reply = no_answer(UNREADABLE, at)
        else
            reply, written = decide(raw, request, at, stamp)
            if written and redis.pcall('SET', key, written).err then
                reply = no_answer(UNREADABLE, at)
            end
        end
        replies[i] = reply
    end
    return replies
end

-- FCALL_RO metering_peek <n> <key>… <request>…
--   Returns what `check` would, and writes nothing.
local function peek(keys, arguments)
    local at = now()
    local stamp, replies = stamp_at(at, false), {}
    for i, key in ipairs(keys) do
        local raw, request = redis.pcall('GET', key), arguments[i] or ''
        if type(raw) == 'table' then
            replies[i] = no_answer(UNREADABLE, at)
        else
            if #request == REQUEST then request = request:sub(1, 2) .. '\0' .. request:sub(4) end
            replies[i] = decide(raw, request, at, stamp)
        end
    end
    return replies
end

redis.register_function {
    function_name = 'metering_check', callback = check, flags = { 'allow-oom' } }
redis.register_function {
    function_name = 'metering_peek', callback = peek, flags = { 'no-writes' } }
redis.register_function {
    function_name = 'metering_version', callback = function() return VERSION end,
    flags = { 'no-writes' } }
