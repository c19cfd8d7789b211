public import Metering

/// What the caller of a hold saw of the clinic, so that Redis can notice that it went back.
public struct HoldClaim: Hashable, Sendable {
    public var mark: Mark?
    /// Eight random bytes that make a minted epoch unique.
    public var nonce: UInt64
    /// The clock of Redis, µs since 1970, after which the call changes nothing; 0 = none.
    public var notAfter: Int64

    public init(mark: Mark?, nonce: UInt64, notAfter: Int64 = 0) {
        (self.mark, self.nonce, self.notAfter) = (mark, nonce, notAfter)
    }

    /// 48 bytes: i8 mark period, c8 mark epoch, i8 mark used, i8 mark credited, c8 nonce, i8 not
    /// after.
    public var encoded: [UInt8] {
        var writer = LittleEndianWriter(capacity: 72)
        writer.write(mark?.period ?? 0)
        writer.write(opaque: mark?.epoch.rawValue ?? 0)
        writer.write(mark?.used ?? 0)
        writer.write(mark?.credited ?? 0)
        writer.write(opaque: nonce)
        writer.write(notAfter)
        return writer.bytes
    }

    /// The 48 bytes of the claim, then the id and a number of units.
    func encoded(_ id: CallID, units: Int64) -> [UInt8] {
        var writer = LittleEndianWriter(capacity: 24)
        writer.write(id.bytes)
        writer.write(units)
        return encoded + writer.bytes
    }
}
