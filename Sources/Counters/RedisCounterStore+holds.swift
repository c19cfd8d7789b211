public import Metering
public import Quotas
import Redis

extension RedisCounterStore {
    public func take(
        _ clinic: ClinicID, _ call: HoldCall
    ) async throws(QuotaError) -> HoldReply {
        let reply = try await called(
            call.function, Self.keys(clinic, call), call.arguments, timeout: nil,
            late: releaser(clinic, call))
        guard let bytes = reply.bytes, let told = HoldReply(decoding: bytes) else {
            throw .unreadable(clinic)
        }
        return told
    }

    private static func keys(_ clinic: ClinicID, _ call: HoldCall) -> [[UInt8]] {
        [CounterKey.counter(of: clinic)]
            + (call.usesHolds ? [CounterKey.holds(of: clinic)] : [])
            + CounterKey.seen(of: clinic)
    }

    /// Releases a hold of which Redis tells too late. Not one that its caller named: it may have asked for it
    /// again by then, and holds it.
    private func releaser(_ clinic: ClinicID, _ call: HoldCall) -> RedisLateReply? {
        guard case .reserve(let request, let terms) = call, !terms.isNamed else { return nil }
        return { [redis] late in
            guard case .success(let reply) = late, let bytes = reply.bytes,
                let told = HoldReply(decoding: bytes), told.outcome == .reserved
            else { return }
            let claim = HoldClaim(mark: told.reply.mark, nonce: request.nonce)
            let release = HoldCall.release(claim, id: terms.id)
            let command = Self.command(
                release.function, Self.keys(clinic, release), release.arguments)
            // Should this fail as well, the hold ends with its time.
            redis.submit(command, timeout: Self.patience) { _ in }
        }
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
            throw .countersUnavailable("\(error)")
        }
    }
}
