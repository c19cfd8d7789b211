public import Metering
public import Quotas
import Redis

extension RedisCounterStore {
    public func send(
        _ call: HoldCall, for clinic: ClinicID
    ) async throws(QuotaError) -> HoldReply {
        let reply = try await self.call(
            call.function, Self.keys(clinic, call), call.arguments, timeout: nil,
            late: releaser(clinic, call))
        guard let bytes = reply.bytes, let hold = HoldReply(decoding: bytes) else {
            throw .unreadable(clinic)
        }
        return hold
    }

    private static func keys(_ clinic: ClinicID, _ call: HoldCall) -> [[UInt8]] {
        [CounterKey.counter(of: clinic)]
            + (call.usesHolds ? [CounterKey.holds(of: clinic)] : [])
            + CounterKey.seen(of: clinic)
    }

    /// Releases a hold whose reply came too late for its caller. Not a hold that its caller named:
    /// the caller may have repeated the call, and hold it.
    private func releaser(_ clinic: ClinicID, _ call: HoldCall) -> RedisLateReply? {
        guard case .reserve(let request, let terms) = call, !terms.isNamed else { return nil }
        return { [redis] late in
            guard case .success(let reply) = late, let bytes = reply.bytes,
                let hold = HoldReply(decoding: bytes), hold.outcome == .reserved
            else { return }
            let claim = HoldClaim(mark: hold.reply.mark, nonce: request.nonce)
            let release = HoldCall.release(claim, id: terms.id)
            let command = Self.command(
                release.function, Self.keys(clinic, release), release.arguments)
            // If this fails too, the hold ends with its time.
            redis.submit(command, timeout: Self.patience) { _ in }
        }
    }

    public func expireHolds(
        of clinic: ClinicID, _ claim: HoldClaim, done: [WaitingCredit]
    ) async throws(QuotaError) -> (reply: HoldReply, waiting: [WaitingCredit]) {
        let keys =
            [CounterKey.counter(of: clinic), CounterKey.holds(of: clinic)]
            + CounterKey.seen(of: clinic)
        let reply = try await call(
            "metering_expire", keys, [claim.encoded, done.flatMap(\.field)],
            timeout: Self.patience)
        guard let parts = reply.elements, parts.count == 2, let head = parts[0].bytes,
            let hold = HoldReply(decoding: head), let listed = parts[1].bytes,
            let waiting = WaitingCredit.list(listed)
        else { throw .unreadable(clinic) }
        return (hold, waiting)
    }

    /// The clinics that have holds. Plain reads.
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
