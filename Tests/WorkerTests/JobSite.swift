import Admission
import Counters
import Ledger
import LocalServers
import Metering
import Postgres
import Quotas
import Redis

@testable import MeteringWorker

/// A worker that is connected and does nothing by itself, with servers of its own to be mistreated.
struct JobSite: Sendable {
    let worker: Worker
    let database: HTTPDatabase
    let redis: LocalRedis

    static func lend(_ body: (JobSite) async throws -> Void) async throws {
        let database = try await HTTPDatabase.make()
        let redis = try await LocalRedis.temporary()
        let result: Result<Void, any Error>
        do {
            let worker = try await Worker.connect(
                WorkerSettings(
                    environment: [
                        "DATABASE_URL": database.url, "REDIS_URL": redis.url,
                        "METERING_CHECK_TIMEOUT": "5s", "METERING_LOAD_TIMEOUT": "5s",
                        "METERING_ON_OUTAGE": "deny",
                    ], file: nil),
                logger: .silent)
            let site = JobSite(worker: worker, database: database, redis: redis)
            do { result = .success(try await body(site)) } catch { result = .failure(error) }
            await worker.disconnect()
        } catch {
            await redis.remove()
            await database.drop()
            throw error
        }
        await redis.remove()
        await database.drop()
        try result.get()
    }

    /// Calls that must all be allowed.
    func calls(_ count: Int, _ clinic: ClinicID) async throws {
        for _ in 0..<count {
            guard case .decided(let decision) = try await worker.gate.check(clinic),
                decision.isAllowed
            else { throw CallRefused() }
        }
    }

    /// What Redis holds for a clinic.
    func value(of clinic: ClinicID) async throws -> CounterValue? {
        try await worker.counters.values(of: [clinic])[0].value
    }

    /// Puts a value where Redis keeps the clinic's, as a restore from an old copy would.
    func write(_ value: CounterValue, of clinic: ClinicID) async throws {
        let key = RedisArgument.bytes(CounterKey.counter(of: clinic))
        _ = try await worker.redis.send(
            RedisCommand("SET", [key, .bytes(value.encoded)]), timeout: .seconds(5))
    }

    /// Rows in quarantine for a clinic.
    func quarantined(_ clinic: ClinicID) async throws -> Int64 {
        try await database.number(
            "SELECT count(*) FROM metering.quarantine WHERE clinic_id = $1::text::uuid",
            [.text("\(clinic)")])
    }

    struct CallRefused: Error {}
}

extension HTTPDatabase {
    /// Several clinics, each on a plan of its own without limits.
    func clinics(_ count: Int) async throws -> [ClinicID] {
        var clinics: [ClinicID] = []
        for _ in 0..<count { clinics.append(try await clinic("{}")) }
        return clinics
    }
}
