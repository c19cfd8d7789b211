import Admission
import Counters
import DatabaseSupport
import Metering
import Postgres
import Quotas
import Redis
import TestSupport
import WorkerSupport

@testable import MeteringWorker

extension ConnectedWorker {
    /// Calls that must all be allowed.
    func calls(_ count: Int, _ clinic: ClinicID) async throws {
        for _ in 0..<count {
            let answer = try await worker.gate.check(clinic)
            guard case .decided(let decision) = answer, decision.isAllowed else {
                throw TestFailure("a call of \(clinic) is allowed, not \(answer)")
            }
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

    /// Lends more workers on the same servers, which have seen nothing of this one.
    func lendWorkers<Value>(
        _ count: Int, beside others: [Worker] = [], _ body: ([Worker]) async throws -> Value
    ) async throws -> Value {
        guard others.count < count else { return try await body(others) }
        return try await withResource(
            { try await Worker.connect(worker.settings, logger: .silent) },
            release: { await $0.disconnect() }
        ) { try await lendWorkers(count, beside: others + [$0], body) }
    }
}
