public import Metering
public import Quotas
import Redis

extension RedisCounterStore {
    public func take(
        _ clinic: ClinicID, _ call: HoldCall
    ) async throws(QuotaError) -> HoldReply {
        let keys =
            [CounterKey.counter(of: clinic)]
            + (call.usesHolds ? [CounterKey.holds(of: clinic)] : [])
            + CounterKey.seen(of: clinic)
        let reply = try await called(call.function, keys, call.arguments, timeout: nil)
        guard let bytes = reply.bytes, let told = HoldReply(decoding: bytes) else {
            throw .unreadable(clinic)
        }
        return told
    }

    public func expireHolds(
        of clinic: ClinicID, _ claim: HoldClaim, done: [WaitingCredit]
    ) async throws(QuotaError) -> (reply: HoldReply, waiting: [WaitingCredit]) {
        let keys =
            [CounterKey.counter(of: clinic), CounterKey.holds(of: clinic)]
            + CounterKey.seen(of: clinic)
        let reply = try await called(
            "metering_expire", keys, [claim.encoded, done.flatMap(\.field)],
            timeout: Self.patience)
        guard let parts = reply.elements, parts.count == 2, let head = parts[0].bytes,
            let told = HoldReply(decoding: head), let listed = parts[1].bytes,
            let waiting = WaitingCredit.list(listed)
        else { throw .unreadable(clinic) }
        return (told, waiting)
    }

    /// Those of the clinics that hold something. Plain reads.
    public func holders(among clinics: [ClinicID]) async throws(QuotaError) -> [ClinicID] {
        guard !clinics.isEmpty else { return [] }
        let commands = clinics.map { RedisCommand("EXISTS", [.bytes(CounterKey.holds(of: $0))]) }
        do {
            let replies = try await redis.send(pipeline: commands, timeout: Self.patience)
            return zip(clinics, replies).filter { $1.int == 1 }.map(\.0)
        } catch {
            throw .countersAway("\(error)")
        }
    }
}
