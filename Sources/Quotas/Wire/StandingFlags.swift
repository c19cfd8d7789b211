/// What a clinic's standing lets it do, as the counter holds it.
public struct StandingFlags: Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public init(access: Access, hasSubscription: Bool) {
        rawValue = access.rawValue | (hasSubscription ? 0 : 4)
    }

    public enum Access: UInt8, Sendable {
        case open = 0
        /// Reads only, at a tenth of the rate.
        case readOnly = 1
        /// Nothing: the subscription is over.
        case ended = 2
        /// Nothing: the clinic was deleted, and its counter waits to be forgotten.
        case gone = 3
    }

    public var access: Access { Access(rawValue: rawValue & 3) ?? .gone }
    /// Nothing is counted any more.
    public var isClosed: Bool { access == .ended || access == .gone }
    public var hasSubscription: Bool { rawValue & 4 == 0 }
}
