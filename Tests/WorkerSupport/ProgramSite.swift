package import DatabaseSupport
import Foundation
package import LocalServers
import TestSupport

/// What the worker's program needs to serve: a migrated database with clinics and a key, and a Redis
/// of its own.
package struct ProgramSite: Sendable {
    package let database: TestDatabase
    package let redis: LocalRedis
    /// Carries the right to check every clinic.
    package let key: String
    /// Ids of clinics without a subscription, which have no limits.
    package let clinics: [String]

    /// Lends it to `body` and removes it.
    /// - Parameter settings: Directives of `redis.conf`.
    package static func lend<Value>(
        clinics count: Int, redis settings: [String: String] = [:],
        _ body: (ProgramSite) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.lend { database in
            try await LocalRedis.lend(RedisOptions(settings: settings)) { redis in
                try await body(try await make(database, redis, clinics: count))
            }
        }
    }

    package static func make(
        _ database: TestDatabase, _ redis: LocalRedis, clinics count: Int
    ) async throws -> ProgramSite {
        let clinics = try await database.psql(
            """
            INSERT INTO clinics (clinic_id, name, subdomain)
            SELECT gen_random_uuid(), 'Clinic ' || n, 'clinic-' || n FROM generate_series(1, \(count)) n
            RETURNING clinic_id;
            """)
        let made = try await database.run([
            "metering-worker", "keys", "create", "--name", "gateway", "--scope", "check",
        ])
        guard made.ending == .exited(0) else {
            throw TestFailure("keys create failed: \(made.errors)")
        }
        return ProgramSite(
            database: database, redis: redis,
            key: made.output.trimmingCharacters(in: .newlines),
            clinics: clinics.split(separator: "\n").map(String.init))
    }

    /// Starts `metering-worker serve` on a free port and waits until it listens.
    package func serve(_ settings: [String: String] = [:]) async throws -> ServingProgram {
        var environment: [String: String?] = [
            "DATABASE_URL": database.url(), "REDIS_URL": redis.url, "HTTP_PORT": "0",
            "LOG_LEVEL": "error", "METERING_LOAD_TIMEOUT": "5s",
            "METERING_UNKNOWN_PER_SECOND": "1000",
        ]
        for (name, value) in settings { environment[name] = value }
        let process = try await RunningProcess.start(
            try Product.path("metering-worker"), ["serve"], environment: environment)
        let line = try await process.line(containing: "listening on http://127.0.0.1:")
        guard
            let port = line.split(separator: ":").last.flatMap({ Int($0.prefix(while: \.isNumber)) }
            )
        else {
            throw TestFailure("no port in: \(line)")
        }
        return ServingProgram(process: process, port: port)
    }

    /// Rolls up as cron does, and returns what `billing report` says of each clinic, by subdomain.
    package func usage() async throws -> [String: Int] {
        // A month may turn while a test runs, so this one and the one before it are read.
        let months = try await database.psql(
            """
            SELECT to_char(now() AT TIME ZONE 'UTC' - n * interval '1 month', 'YYYY-MM')
            FROM generate_series(0, 1) n;
            """)
        let rollup = try await database.run(
            ["metering-worker", "rollup"], ["REDIS_URL": redis.url])
        guard rollup.ending == .exited(0), rollup.errors.isEmpty else {
            throw TestFailure("rollup failed: \(rollup.errors)")
        }
        var usage: [String: Int] = [:]
        for month in months.split(separator: "\n") {
            let report = try await database.run([
                "billing", "report", "--month", String(month), "--format", "csv",
            ])
            guard report.ending == .exited(0) else {
                throw TestFailure("report failed: \(report.errors)")
            }
            usage.merge(
                try UsageTable(csv: report.output).calls(by: "clinic_id"), uniquingKeysWith: +)
        }
        return usage
    }
}
