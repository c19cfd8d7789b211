import DatabaseSupport
import Foundation
import Glibc
import LocalServers
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Both programs behind a real PgBouncer in transaction mode, which gives them another session for each transaction.
/// None of them has a setting for it.
@Suite(.timed, .timeLimit(.minutes(5))) struct `The worker behind PgBouncer` {
    private func withPooler(
        _ body: (ProgramSite, [String: String], LocalPgBouncer) async throws -> Void
    ) async throws {
        // Each line of the log begins with its SQLSTATE.
        let options = PostgresOptions(settings: ["log_line_prefix": "%e "])
        try await TestDatabase.lendAlone(options) { database in
            try await LocalRedis.lend { redis in
                let site = try await ProgramSite.make(database, redis, clinics: 8)
                let users = [Login.worker: Login.password, Login.admin: Login.password]
                try await LocalPgBouncer.lend(before: database.server, users: users) { pooler in
                    let settings = [
                        "DATABASE_URL": pooler.url(
                            user: Login.worker, password: Login.password, database: database.name),
                        "REDIS_URL": redis.url, "METERING_CHECK_TIMEOUT": "5s",
                    ]
                    try await body(site, settings, pooler)
                }
                try await expectNoLostStatement(on: database)
            }
        }
    }

    /// A statement that ran under a name of another: 08P01, 42P05 or 26000 in the server's log.
    private func expectNoLostStatement(on database: TestDatabase) async throws {
        let directory = try await database.psql("SHOW data_directory").dropLast()
        let log = try String(contentsOfFile: "\(directory)/../postgres.log", encoding: .utf8)
        let codes = Set(log.split(separator: "\n").map { $0.prefix { $0 != " " } })
        #expect(codes.contains("00000"))
        #expect(codes.isDisjoint(with: ["08P01", "42P05", "26000"]), "\(log)")
    }

    @Test func `counts, checkpoints, rolls up and reports`() async throws {
        try await withPooler { site, settings, pooler in
            let database = site.database
            let worker = try await site.serve(
                settings.merging(["METERING_CHECKPOINT_INTERVAL": "100ms"]) { $1 })
            try await waitUntil("it is ready") { await worker.isReady }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for clinic in site.clinics {
                    group.addTask {
                        try await HTTPWire.talk(to: worker.port, within: .seconds(300)) { line in
                            for _ in 0..<25 {
                                let answer = try await line.check(clinic, key: site.key)
                                #expect(answer.status == 200, "\(answer.body)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await waitUntil("all is checkpointed") {
                try await database.psql("SELECT sum(used) FROM metering.usage_checkpoint")
                    == "200\n"
            }
            let doctor = try await database.run(["metering-worker", "doctor"], settings)
            #expect(!doctor.output.contains("fail"), "\(doctor.output)")
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))

            let rollup = try await database.run(["metering-worker", "rollup"], settings)
            #expect(rollup.ending == .exited(0), "\(rollup.errors)")
            #expect(try await database.psql("SELECT sum(api_calls) FROM api_usage") == "200\n")

            let admin = [
                "DATABASE_URL": pooler.url(
                    user: Login.admin, password: Login.password,
                    database: database.name)
            ]
            // Later runs get sessions in which earlier ones left their statements.
            for _ in 0..<4 {
                let report = try await database.run(
                    ["billing", "report", "--format", "csv"], admin)
                #expect(report.ending == .exited(0), "\(report.errors)")
                let calls = try UsageTable(csv: report.output).calls(by: "clinic_id")
                #expect(calls.values.reduce(0, +) == 200)
            }
        }
    }

    /// Settings of the application last for one transaction, so limits hold though sessions change hands.
    @Test func `keeps the limits of the plan, and each clinic to itself`() async throws {
        try await withPooler { site, settings, _ in
            let database = site.database
            let (full, free) = (site.clinics[0], site.clinics[1])
            try await database.psql(
                """
                INSERT INTO subscription_plans (name, max_users, max_patients, features)
                VALUES ('small', 10, 1, '{"metering": {"quota": {"api_calls": 2}}}');
                INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
                SELECT '\(full)', plan_id, '2026-01-01', '2099-01-01', 'active' FROM subscription_plans
                WHERE name = 'small';
                """)
            let worker = try await site.serve(settings)
            try await waitUntil("it is ready") { await worker.isReady }
            try await HTTPWire.talk(to: worker.port, within: .seconds(300)) { line in
                var statuses: [Int] = []
                for _ in 0..<3 {
                    statuses.append(try await line.check(full, key: site.key).status)
                    statuses.append(try await line.check(free, key: site.key).status)
                }
                #expect(statuses == [200, 200, 200, 200, 429, 200])
            }
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
        }
    }
}
