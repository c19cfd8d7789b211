-- The load of the HTTP benchmark: POST /v1/check for one of some clinics, evenly or as Zipf has it.
-- arguments: the key, the number of clinics, "even", "zipf" or "one"
local chance, key, clinics, cumulated = math.random, nil, nil, nil

function setup(thread) thread:set("seed", os.time()) end

function init(arguments)
    key, clinics = arguments[1], tonumber(arguments[2])
    math.randomseed(seed or 1)
    if arguments[3] == "one" then clinics = 1 end
    if arguments[3] == "zipf" then
        cumulated = {}
        local sum = 0
        for place = 1, clinics do
            sum = sum + 1 / place
            cumulated[place] = sum
        end
    end
    wrk.headers["Authorization"] = "Bearer " .. key
    wrk.headers["Content-Type"] = "application/json"
end

local function pick()
    if not cumulated then return chance(clinics) end
    local wanted, low, high = chance() * cumulated[clinics], 1, clinics
    while low < high do
        local middle = math.floor((low + high) / 2)
        if cumulated[middle] < wanted then low = middle + 1 else high = middle end
    end
    return low
end

function request()
    return wrk.format("POST", "/v1/check", nil,
        string.format('{"clinic_id":"00000000-0000-4000-8000-%012d"}', pick()))
end
