-- The second part of the library: functions other than checks that change a value.
-- The library's text is metering.lua, then this file.

local CONFIGURATION = 88

-- Reads a configuration, or returns nil when it is not one.
--   B flags, B limits n, B next limits m, B limits in shadow, B next limits in shadow,
--   B 1 = quota in shadow, 2 B zero, i8 config version, i8 period start, i8 period end,
--   i8 end of the next period (0 = unknown), i8 quota, i8 next quota, i8 base period,
--   c8 base epoch, i8 base, c8 nonce, then n + m limits as in the value.
local function read_configuration(text)
    if #text < CONFIGURATION then return nil end
    local c, at, n, m, _ = {}, nil, nil, nil, nil
    c.flags, n, m, c.shadow, c.next_shadow, c.quota_shadow, _, _, c.version, c.period, c.period_end,
        c.next_end, c.quota, c.next_quota, c.base_period, c.base_epoch, c.base, c.nonce, at =
        struct.unpack('<BBBBBBBBi8i8i8i8i8i8i8c8i8c8', text)
    if n > LIMITS_MAX or m > LIMITS_MAX or #text ~= CONFIGURATION + (n + m) * LIMIT then
        return nil
    end
    if c.shadow >= 2 ^ n or c.next_shadow >= 2 ^ m or c.quota_shadow > 1 then return nil end
    if c.version < 0 or c.version > INTEGER_MAX or c.period < 0 or c.period_end <= c.period
        or c.period_end > INTEGER_MAX or c.next_end > INTEGER_MAX or c.base < -INTEGER_MAX
        or c.base > INTEGER_MAX or (c.next_end ~= 0 and c.next_end <= c.period_end)
        or c.quota < -1 or c.quota > INTEGER_MAX
        or c.next_quota < -1 or c.next_quota > INTEGER_MAX then
        return nil
    end
    c.limits, c.next_limits = {}, {}
    for i = 1, n + m do
        local limit = {}
        limit.id, limit.emission, limit.tolerance, at = struct.unpack('<I2I6I6', text, at)
        if limit.emission < 1 or limit.tolerance < limit.emission or limit.tolerance > SPAN_MAX then
            return nil
        end
        if i <= n then c.limits[i] = limit else c.next_limits[i - n] = limit end
    end
    return c
end

-- A configuration made before its period ended and read later: its next period is the current one.
local function shifted(c, at)
    if at < c.period_end then return c end
    if c.next_end == 0 or at >= c.next_end then return nil end
    c.period, c.period_end, c.next_end = c.period_end, c.next_end, 0
    c.quota, c.base = c.next_quota, 0
    if #c.next_limits > 0 then
        c.limits, c.next_limits, c.shadow, c.next_shadow = c.next_limits, {}, c.next_shadow, 0
    end
    return c
end

local function same_inputs(v, c)
    if v.flags ~= c.flags or v.quota ~= c.quota or #v.limits ~= #c.limits or v.shadow ~= c.shadow
        or v.quota_shadow ~= c.quota_shadow then
        return false
    end
    for i, limit in ipairs(v.limits) do
        local other = c.limits[i]
        if limit.id ~= other.id or limit.emission ~= other.emission
            or limit.tolerance ~= other.tolerance then
            return false
        end
    end
    return true
end

-- Whether PostgreSQL has not confirmed a closed count of the period.
local function has_unsettled(v, period)
    for _, c in ipairs(v.closed) do
        if c.period == period and c.settled == 0 then return true end
    end
    return false
end

local function configured(raw, c, at, stamp)
    if not raw then
        if c.base_epoch ~= ZERO then return nil, MISS end
        return { flags = c.flags, version = c.version, stamp = stamp,
            epoch = mint(stamp, at, ZERO, c.nonce), period = c.period, used = 0, credited = 0,
            granted = 0, base = c.base, limits = {}, closed = {} }
    end
    local v = decode(raw)
    if not v then return nil, UNREADABLE end
    if c.version < v.version then return v, OLDER end
    if c.period < v.period or (c.period > v.period and at < v.period_end) then
        return v, OTHER_PERIOD
    end
    if c.period > v.period then
        if not enter_period(v, c.period) then return v, UNSETTLED end
    elseif c.version == v.version and not same_inputs(v, c) then
        return v, CONFLICT
    end
    if v.stamp ~= stamp and not switch_epoch(v, at, stamp, c.nonce, 0) then return v, UNSETTLED end
    if c.base_epoch == v.epoch and c.base_period == v.period then
        -- While PostgreSQL may lack a closed count, the base does not fall. A new version is the
        -- exception: an administrator asked for it, for example with a refund.
        local may_fall = c.version > v.version or not has_unsettled(v, v.period)
        v.base = may_fall and c.base or math.max(v.base, c.base)
    end
    return v
end

local function apply(key, text)
    local at = now()
    local c = read_configuration(text)
    if not c then return no_answer(INVALID, at) end
    if not shifted(c, at) then return no_answer(STALE, at) end
    local v, refusal = configured(redis.call('GET', key), c, at, stamp_at(at, true))
    if not v then return no_answer(refusal, at) end
    if not refusal then
        v.flags, v.version, v.period_end, v.next_end = c.flags, c.version, c.period_end, c.next_end
        v.quota, v.next_quota = c.quota, c.next_quota
        v.limits, v.next_limits = carry_times(v.limits, c.limits, at), c.next_limits
        v.shadow, v.next_shadow, v.quota_shadow = c.shadow, c.next_shadow, c.quota_shadow
        redis.call('SET', key, encode(v))
    elseif refusal == UNSETTLED then
        return no_answer(UNSETTLED, at)
    end
    return struct.pack(REPLY_FORMAT, refusal or CONFIGURED, v.flags, 0, 0, 0, 0, 0, 0, v.version,
        v.epoch, v.period, v.used, v.credited, at, 0, v.base + v.used - v.credited, v.quota, v.period_end)
end

-- FCALL metering_configure 1 <key> <configuration>
--   Replaces bounds, quota and limits; counts stay. Creates a missing value. Returns one reply as
--   `check` does: CONFIGURED, or why nothing changed (OLDER, CONFLICT, OTHER_PERIOD, STALE,
--   UNSETTLED, UNREADABLE, INVALID; MISS when it names an epoch and the key is missing, because its
--   base leaves that epoch out). Safe to repeat.
local function configure(keys, arguments)
    return apply(keys[1], arguments[1] or '')
end

-- FCALL metering_settle 1 <key> <closed counts>   Call it after PostgreSQL committed these closed
--   counts (each i8 period, c8 epoch, i8 used, i8 credited). Marks those with equal numbers as
--   settled and drops settled ones of earlier periods. Returns how many it marked. Safe to repeat.
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

-- FCALL metering_forget 1 <key> <i8 period, c8 epoch, i8 used, i8 credited>
--   Deletes the value only if PostgreSQL confirmed exactly this running count and every closed
--   count is settled. Returns 0 or 1.
local function forget(keys, arguments)
    local raw, text = redis.call('GET', keys[1]), arguments[1] or ''
    if not raw or #text ~= 32 then return 0 end
    local v = decode(raw)
    if not v then return 0 end
    local period, epoch, used, credited = struct.unpack('<i8c8i8i8', text)
    if v.period ~= period or v.epoch ~= epoch or v.used ~= used or v.credited ~= credited then
        return 0
    end
    for _, c in ipairs(v.closed) do
        if c.settled == 0 then return 0 end
    end
    return redis.call('DEL', keys[1])
end

redis.register_function {
    function_name = 'metering_configure', callback = configure, flags = { 'allow-oom' } }
redis.register_function {
    function_name = 'metering_settle', callback = settle, flags = { 'allow-oom' } }
redis.register_function {
    function_name = 'metering_forget', callback = forget, flags = { 'allow-oom' } }
