import Ledger
import Metering
import Postgres
import Redis
import Shell
import TestSupport
import Testing

@testable import MeteringWorker

/// What doctor says of facts; no server is needed here.
@Suite(.timed) struct `A check of doctor` {
    private static let healthy = """
        redis_version:7.0.15\r
        role:master\r
        maxmemory:0\r
        maxmemory_policy:noeviction\r
        aof_enabled:1\r
        aof_last_write_status:ok\r
        rdb_last_bgsave_status:ok\r
        """

    private func levels(_ changes: [String]) -> [String: DoctorCheck.Level] {
        let info = RedisInfo(([Self.healthy] + changes).joined(separator: "\n"))
        return Dictionary(
            DoctorCheck.redis(info).map { ($0.name, $0.level) }, uniquingKeysWith: { $1 })
    }

    @Test func `finds nothing wrong with a Redis as it should be`() {
        #expect(levels([]).values.allSatisfy { $0 == .ok })
        #expect(levels([]).count == 5)
    }

    @Test(arguments: [
        ("redis_version:6.2.14", "redis", DoctorCheck.Level.fail),
        ("redis_version:?", "redis", .fail),
        ("role:slave", "redis", .fail), ("loading:1", "redis", .fail),
        ("rdb_last_bgsave_status:err", "redis-disk", .fail),
        ("aof_last_write_status:err", "redis-disk", .fail),
        ("maxmemory_policy:allkeys-lru", "redis-eviction", .fail),
        ("maxmemory_policy:volatile-ttl", "redis-eviction", .warn),
        ("maxmemory:1000\nused_memory:899", "redis-memory", .ok),
        ("maxmemory:1000\nused_memory:900", "redis-memory", .warn),
        ("maxmemory:1\nused_memory:9223372036854775807", "redis-memory", .warn),
        ("aof_enabled:0", "redis-persistence", .warn),
    ])
    func `goes by what Redis says of itself`(
        line: String, name: String, level: DoctorCheck.Level
    ) {
        #expect(levels([line])[name] == level)
        #expect(levels([line]).values.count { $0 != .ok } == (level == .ok ? 0 : 1))
    }

    @Test(arguments: [
        ("unix:///run/redis.sock", DoctorCheck.Level.ok), ("redis://localhost", .ok),
        ("redis://127.8.0.1", .ok), ("redis://[::1]", .ok), ("rediss://db.example", .ok),
        ("redis://db.example", .warn), ("redis://127.example.com", .warn),
        ("redis://127.0.0.1.example", .warn), ("redis://10.0.0.1", .warn),
        ("redis://[fd00::1]", .warn),
    ])
    func `warns of a Redis on another host in the clear`(
        url: String, level: DoctorCheck.Level
    ) throws {
        #expect(DoctorCheck.redisWire(try RedisConfiguration(url)).level == level)
    }

    @Test func `takes only what the trip cannot explain for a wrong clock`() {
        let trip = ClockOffset(before: 0, time: 5_000_000, after: 10_000_000)
        #expect(trip.distance(to: .here) == 0)
        let ahead = ClockOffset(before: 10, time: 70, after: 30)
        #expect(ahead.distance(to: .here) == 40)
        let behind = ClockOffset(before: 10, time: 0, after: 30)
        #expect(behind.distance(to: .here) == 10)
        #expect(ahead.distance(to: behind) == 50)
        #expect(behind.distance(to: ahead) == 50)
    }

    @Test func `warns of clocks more than a second apart, and fails above a minute`() {
        func level(_ redis: Int64?, _ database: Int64?) -> DoctorCheck.Level {
            func offset(_ ahead: Int64?) -> ClockOffset? {
                ahead.map { ClockOffset(before: 0, time: $0, after: 0) }
            }
            return DoctorCheck.clocks(redis: offset(redis), database: offset(database)).level
        }
        #expect(level(0, 0) == .ok)
        #expect(level(1_000_000, nil) == .ok)
        #expect(level(1_000_001, nil) == .warn)
        #expect(level(600_000, -600_000) == .warn)
        #expect(level(60_000_000, 0) == .warn)
        #expect(level(0, -60_000_001) == .fail)
        #expect(level(nil, nil) == .warn)
    }

    @Test func `sees a pooler by the processes that answer`() {
        func check(
            _ promised: Int64, _ seen: [Int64], _ prepared: PreparedStatements = .automatic
        ) -> DoctorCheck {
            .pooler(
                SessionFacts(serverVersion: 150_000, promised: promised, seen: seen), prepared)
        }
        #expect(check(7, [7, 7, 7], .always).level == .ok)
        #expect(check(7, [8, 8, 8], .always).level == .warn)
        #expect(check(7, [7, 9, 7]).found.contains("transaction mode"))
        #expect(check(7, [7, 9, 7]).level == .ok)
        #expect(check(7, [7, 9, 7], .never).level == .ok)
    }

    @Test func `wants PostgreSQL 15`() {
        func level(_ version: Int) -> DoctorCheck.Level {
            DoctorCheck.server(SessionFacts(serverVersion: version, promised: 1, seen: [1])).level
        }
        #expect(level(150_000) == .ok)
        #expect(level(140_011) == .fail)
        #expect(level(180_001) == .ok)
    }

    @Test func `of migrations fails unless all are applied as they are`() {
        func level(_ pending: [String], _ problem: MigrationError?) -> DoctorCheck.Level {
            DoctorCheck.migrations(
                MigrationState(found: 3, needed: 4, pending: pending, problem: problem)
            ).level
        }
        #expect(level([], nil) == .ok)
        #expect(level(["V0004_a.sql"], nil) == .fail)
        let disabled = DoctorCheck.migrations(
            MigrationState(
                found: 4, needed: 4, pending: [],
                triggers: ["metering_count_insert on public.patients"], problem: nil))
        #expect(disabled.level == .fail && disabled.remedy == "metering-worker migrate")
        #expect(disabled.found.contains("metering_count_insert on public.patients"))
        #expect(level([], .otherSchema("V0001_foundation.sql")) == .fail)
        #expect(level([], .newerDatabase(99)) == .fail)
    }

    @Test func `of roles wants all of them, and a login for each program`() {
        func check(_ missing: String?, _ unheld: String?) -> DoctorCheck {
            .roles(
                ["metering_owner", "metering_worker", "billing_admin", "clinic_app"].map {
                    RoleFacts(
                        name: $0, isThere: $0 != missing,
                        logins: $0 == unheld || $0 == missing ? [] : ["login"])
                })
        }
        #expect(check(nil, nil).level == .ok)
        #expect(check("clinic_app", nil).level == .fail)
        #expect(check(nil, "clinic_app").level == .ok)
        #expect(check(nil, "billing_admin").remedy == "GRANT billing_admin TO its login")
        #expect(
            DoctorCheck.roles(
                ["metering_worker", "billing_admin", "billing_viewer"].map {
                    RoleFacts(
                        name: $0, isThere: true, logins: $0 == "billing_admin" ? [] : ["login"])
                }
            ).level == .ok)
    }

    @Test func `of row security fails for a table of its own only`() {
        func level(_ isOurs: Bool, _ hasPolicy: Bool) -> DoctorCheck.Level {
            DoctorCheck.rowSecurity([
                OpenTable(name: "a", isOurs: isOurs, hasPolicy: hasPolicy)
            ]).level
        }
        #expect(DoctorCheck.rowSecurity([]).level == .ok)
        #expect(level(true, true) == .fail)
        #expect(level(false, true) == .warn)
        #expect(level(false, false) == .warn)
    }

    @Test func `names logins that see nothing, and those that would`() {
        let blind = Migrator.BlindLogin(login: "reader", tables: "users")
        #expect(DoctorCheck.blindLogins([]).level == .ok)
        #expect(DoctorCheck.blindLogins([blind]).found == #""reader" sees no row of users"#)
        let later = DoctorCheck.blindLogins([], later: [blind])
        #expect(later.level == .warn && later.found.contains("would see no row"))
    }

    @Test(arguments: [
        (ListenFacts.notified, DoctorCheck.Level.ok), (.notSet, .warn), (.unproven, .warn),
        (.silent, .fail), (.unreachable("x"), .fail), (.badAddress("x"), .fail),
    ])
    func `of listening fails where DATABASE_LISTEN_URL does not keep its promise`(
        facts: ListenFacts, level: DoctorCheck.Level
    ) {
        #expect(DoctorCheck.listening(facts).level == level)
    }

    @Test func `of jobs grows impatient after ten minutes, or three missed runs`() {
        func sweep(_ age: Int64?, every interval: Int64) -> DoctorCheck.Level {
            DoctorCheck.sweep(
                JobFacts(name: "sweep", age: age, isGood: true), interval: interval
            ).level
        }
        #expect(sweep(nil, every: 60) == .warn)
        #expect(sweep(600, every: 60) == .ok)
        #expect(sweep(601, every: 60) == .warn)
        #expect(sweep(10_800, every: 3_600) == .ok)

        func rollup(_ count: Int64, _ age: Int64?, good: Bool? = nil) -> DoctorCheck.Level {
            DoctorCheck.rollup(
                Backlog(count: count, age: age),
                byHand: JobFacts(name: "rollup", age: nil, isGood: good), interval: 60
            ).level
        }
        #expect(rollup(0, nil) == .ok)
        #expect(rollup(0, 1_000_000) == .ok)
        #expect(rollup(1, 60) == .ok)
        #expect(rollup(1, 601) == .warn)
        #expect(rollup(0, 60, good: false) == .warn)
    }

    @Test func `of backlogs warns of the first one`() {
        #expect(DoctorCheck.messages(Backlog(count: 0, age: 0)).level == .ok)
        #expect(DoctorCheck.messages(Backlog(count: 1, age: 200_000)).found.contains("2 days old"))
        #expect(DoctorCheck.quarantine(Backlog(count: 0, age: nil)).level == .ok)
        #expect(DoctorCheck.quarantine(Backlog(count: 1, age: 1)).level == .warn)
        #expect(DoctorCheck.subscriptions(without: 0).level == .ok)
        #expect(DoctorCheck.subscriptions(without: 1).level == .warn)
        func workers(_ alive: Int64, _ silent: Int64) -> DoctorCheck.Level {
            DoctorCheck.workers(WorkerFacts(alive: alive, silent: silent, latest: 3)).level
        }
        #expect(workers(2, 0) == .ok)
        #expect(workers(2, 1) == .warn)
        #expect(workers(0, 0) == .warn)
        let plan = DoctorCheck.plans([("3", "a key\u{1B}[2J that nobody knows")])
        #expect(plan.level == .warn && !plan.found.contains("\u{1B}"))
        #expect(DoctorCheck.plans([]).level == .ok)
    }

    @Test func `has a remedy unless all is well, and its report the worst of all`() throws {
        let checks = [
            DoctorCheck.ok("a", "fine"), .warn("bb", "so \"so\"", remedy: "do this"),
            .fail("c", "bad", remedy: "do that"),
        ]
        #expect(DoctorReport(checks: []).level == .ok)
        #expect(DoctorReport(checks: Array(checks.prefix(2))).level == .warn)
        let report = DoctorReport(checks: checks)
        #expect(report.level == .fail)
        #expect(
            report.text == """
                ok    a   fine
                warn  bb  so "so"; remedy: do this
                fail  c   bad; remedy: do that

                """)
        let json = try JSON(report.json, bytesMax: 10_000)
        #expect(json["schema"] == .text("doctor/1"))
        #expect(json["level"] == .text("fail"))
        guard case .list(let list) = json["checks"] else {
            Issue.record("checks is no list")
            return
        }
        #expect(list.map { $0["name"] } == [.text("a"), .text("bb"), .text("c")])
        #expect(list[0]["remedy"] == .null && list[1]["remedy"] == .text("do this"))
    }
}
