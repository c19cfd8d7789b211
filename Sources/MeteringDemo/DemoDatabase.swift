import Foundation
import Ledger
import LocalServers
import Metering
import Postgres

/// The demo's database: migrated, with two logins, plans, and a clinic for each host.
struct DemoDatabase: Sendable {
    let workerURL: String
    let adminURL: String
    private let ownerURL: String
    private let owner: PostgresPool

    static let name = "demo"

    /// Prepares the database for this program. Data of earlier runs stay.
    static func prepare(_ servers: LocalServers, fresh: Bool) async throws -> DemoDatabase {
        if fresh {
            try await servers.postgres.dropDatabase(name)
            _ = try await servers.redis.client(["FLUSHALL"])
        }
        // One line for each database: its name, then `|` and more.
        let all = try await servers.postgres.client("psql", ["-XAtl"])
        if !all.split(separator: "\n").contains(where: { $0.hasPrefix("\(name)|") }) {
            try await servers.postgres.createDatabase(name)
        }
        let ownerURL = servers.postgres.superuserURL(database: name)
        let owner = PostgresPool(
            configuration: try PostgresConfiguration(ownerURL), logger: Demo.logger)
        do {
            _ = try await Migrator(pool: owner).apply()
            let passwords = (worker: newPassword(), admin: newPassword())
            try await run(
                DemoSQL.logins, on: servers,
                variables: ["worker_password": passwords.worker, "admin_password": passwords.admin])
            try await run(DemoSQL.plans, on: servers)
            return DemoDatabase(
                workerURL: servers.postgres.url(
                    user: "demo_worker", password: passwords.worker, database: name),
                adminURL: servers.postgres.url(
                    user: "demo_admin", password: passwords.admin, database: name),
                ownerURL: ownerURL, owner: owner)
        } catch {
            await owner.close()
            throw error
        }
    }

    private static func run(
        _ script: String, on servers: LocalServers, variables: [String: String] = [:]
    ) async throws {
        let settings = variables.sorted { $0.key < $1.key }.map {
            "\\set \($0.key) '\($0.value)'\n"
        }
        _ = try await servers.postgres.client(
            "psql", ["-Xq", "-v", "ON_ERROR_STOP=1"], database: name,
            input: settings.joined() + script)
    }

    func close() async { await owner.close() }

    /// The earlier runs of the demo, and the calls counted so far.
    func history() async throws -> (runs: Int64, calls: Int64) {
        guard let row = try await owner.query(DemoSQL.history).first else { return (0, 0) }
        return (try row.int64("runs"), try row.int64("calls"))
    }

    func noteRun(startedAt: Int64) async throws {
        try await Ledger(pool: owner).operations.recordJob(
            "demo", startedAt: startedAt, rowsWritten: 0, ok: true)
    }

    /// Adds clinics with their plans; those without a plan get no subscription.
    func add(_ clinics: [(clinic: DemoClinic, plan: String?)]) async throws {
        guard !clinics.isEmpty else { return }
        try await owner.execute(
            DemoSQL.clinicsInsert,
            [
                .uuidArray(clinics.map(\.clinic.id.id)), .textArray(clinics.map(\.clinic.host)),
                .textArray(clinics.map(\.clinic.subdomain)),
            ])
        let planned = clinics.filter { $0.plan != nil }
        try await owner.execute(
            DemoSQL.subscriptionsUpsert,
            [
                .uuidArray(planned.map(\.clinic.id.id)),
                .textArray(planned.compactMap(\.plan)),
            ])
    }

    /// A key that may check every clinic; keys of earlier runs end.
    func newKey(_ worker: DemoWorker) async throws -> String {
        let ledger = Ledger(pool: owner)
        for old in try await ledger.keys.list() where old.revokedAt == nil {
            _ = try await ledger.keys.revoke(old.id)
        }
        let output = try await worker.run(
            ["keys", "create", "--name", "demo", "--scope", "check,usage"], database: ownerURL)
        return output.trimmingCharacters(in: .newlines)
    }

    /// The clock of PostgreSQL, µs since 1970.
    func now() async throws -> Int64 { try await Ledger(pool: owner).operations.databaseTime() }

    /// 128 bits, as 32 hexadecimal digits.
    private static func newPassword() -> String {
        (0..<4).map { _ in
            let digits = String(UInt32.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }
}
