public import Metering
public import Quotas
public import Redis

extension RedisCounterStore {
    /// Values of one read: a larger reply would delay the checks behind it.
    static let readsAtOnce = 500

    /// The value of each clinic in Redis; nil where there is none, or none that is readable. Plain
    /// reads.
    public func values(
        of clinics: [ClinicID]
    ) async throws(QuotaError) -> [(clinic: ClinicID, value: CounterValue?)] {
        var values: [(clinic: ClinicID, value: CounterValue?)] = []
        values.reserveCapacity(clinics.count)
        for start in stride(from: 0, to: clinics.count, by: Self.readsAtOnce) {
            let end = min(start + Self.readsAtOnce, clinics.count)
            values += try await read(clinics[start..<end])
        }
        return values
    }

    private func read(
        _ clinics: ArraySlice<ClinicID>
    ) async throws(QuotaError) -> [(clinic: ClinicID, value: CounterValue?)] {
        let commands = clinics.map { RedisCommand("GET", [.bytes(CounterKey.counter(of: $0))]) }
        let replies: [RedisReply]
        do {
            replies = try await redis.send(pipeline: commands, timeout: Self.patience)
        } catch {
            throw .countersUnavailable("\(error)")
        }
        return zip(clinics, replies).map { clinic, reply in
            let value = reply.bytes.flatMap(CounterValue.init(decoding:))
            return (clinic, value?.isInBounds == true ? value : nil)
        }
    }

    /// Tells Redis that PostgreSQL committed these closed counts; returns how many it marked.
    @discardableResult
    public func settle(
        _ clinic: ClinicID, _ committed: [CounterValue.Closed]
    ) async throws(QuotaError) -> Int64 {
        guard !committed.isEmpty else { return 0 }
        let argument = committed.flatMap(\.confirmation)
        let reply = try await call("metering_settle", clinic, argument, timeout: Self.patience)
        return reply.int ?? 0
    }

    /// Deletes a clinic's counter if PostgreSQL has exactly this running count and all closed ones.
    public func forget(
        _ clinic: ClinicID, confirmed: CounterValue.Closed
    ) async throws(QuotaError) -> Bool {
        let reply = try await call(
            "metering_forget", clinic, confirmed.confirmation, timeout: Self.patience)
        guard reply.int == 1 else { return false }
        // No counter holds the clinic any more, so no unit can be given back.
        _ = try await sent(
            RedisCommand("DEL", [.bytes(CounterKey.holds(of: clinic))]), timeout: Self.patience)
        return true
    }

    /// The clock of Redis, µs since 1970.
    public func now() async throws(QuotaError) -> Int64 {
        try await Self.time(of: redis, within: Self.patience)
    }

    /// The clock of the Redis that `redis` is connected to, µs since 1970.
    ///
    /// - Parameter timeout: The longest to wait for it.
    public static func time(
        of redis: RedisClient, within timeout: Duration
    ) async throws(QuotaError) -> Int64 {
        let reply: RedisReply
        do {
            reply = try await redis.send(RedisCommand("TIME"), timeout: timeout)
        } catch {
            throw QuotaError(error)
        }
        guard let parts = reply.elements, parts.count == 2, let seconds = parts[0].int,
            let microseconds = parts[1].int, (0...4_000_000_000).contains(seconds),
            (0..<1_000_000).contains(microseconds)
        else { throw .countersUnavailable("Redis gave no time") }
        return seconds * 1_000_000 + microseconds
    }
}
