import DatabaseSupport
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// A Redis whose functions say what no honest one would: somebody else loaded them.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `HTTP with a hostile Redis` {
    /// Bodies of `metering_check`.
    private static let lies = [
        "return 7", "return {}", "return {'short'}", "return {false}", "return {{{1}}}",
        "return {string.rep(string.char(0), 100)}", "return {string.rep(string.char(255), 134)}",
        "return {string.rep('x', 2 * 1024 * 1024)}",
        "local deep = 'x' for _ = 1, 12 do deep = {deep} end return deep",
        "local many = {} for i = 1, 20000 do many[i] = i end return many",
        "return redis.error_reply('EVIL made up')", "return redis.status_reply('OK')",
    ]

    @Test func `answers 503 to what it cannot read, and goes on`() async throws {
        try await RunningWorker.lend(["METERING_ON_OUTAGE": "deny"]) { worker in
            let clinic = try await worker.database.clinic("{}")
            #expect(try await worker.check(clinic).status == 200)
            for lie in Self.lies {
                try await worker.redis.load(check: lie)
                for _ in 0..<3 {
                    #expect(try await worker.check(clinic).status == 503, "\(lie)")
                }
                try await worker.expectServing()
            }
        }
    }

    /// A count that no traffic explains reaches neither the ledger nor a bill.
    @Test func `quarantines a count that cannot be true`() async throws {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic("{}")
            #expect(try await worker.check(clinic).status == 200)
            let month = try await worker.month()
            try await worker.redis.load(
                check: """
                    local time = redis.call('TIME')
                    local now = time[1] * 1000000 + time[2]
                    return {struct.pack('<BBBBI4I4I4I4i8c8i8i8i8i8i8i8i8i8', 1, 0, 0, 0, 0, 0, 1, 1, 1, 'evilevil',
                        \(month.start), 4503599627370496, 0, now, 0, 4503599627370496, -1, \(month.end))}
                    """)
            #expect(try await worker.check(clinic).status == 200)
            try await waitUntil("the count is in quarantine") {
                try await worker.database.number(
                    "SELECT count(*) FROM metering.quarantine WHERE used = 4503599627370496") > 0
            }
            #expect(try await worker.database.counted(clinic) <= 1)
        }
    }
}

extension LocalRedis {
    /// Puts a library of the same name and a higher version in place of ours.
    fileprivate func load(check body: String) async throws {
        let library = """
            #!lua name=metering
            local function check(keys, args)
            \(body)
            end
            redis.register_function{function_name='metering_version', flags={'no-writes'},
                callback=function() return 999999 end}
            redis.register_function('metering_check', check)
            redis.register_function{function_name='metering_peek', flags={'no-writes'}, callback=check}
            """
        _ = try await client(["-x", "FUNCTION", "LOAD", "REPLACE"], input: library)
    }
}
