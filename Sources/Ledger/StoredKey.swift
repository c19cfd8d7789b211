public import Metering

/// A caller's key as it is stored: never the key itself, nor its hash.
public struct StoredKey: Hashable, Sendable {
    public let id: Int64
    public let name: String
    /// Those that this version knows.
    public let scopes: Set<Scope>
    /// Empty means every clinic.
    public let clinics: Set<ClinicID>
    /// µs since 1970-01-01 UTC, as the other times.
    public let createdAt: Int64
    public let expiresAt: Int64?
    public let revokedAt: Int64?
    /// Days since 1970-01-01 UTC.
    public let lastUsedOn: Int32?

    /// What a key may be used for. Raw values are stored; never rename one.
    public enum Scope: String, CaseIterable, Sendable { case check, usage, marks, admin }

    /// Whether the key is good at a time, in µs since 1970-01-01 UTC.
    public func isUsable(at now: Int64) -> Bool {
        revokedAt == nil && expiresAt.map { now < $0 } ?? true
    }
}

/// The keys that callers may use now, each with the hash it is found by.
public struct UsableKeys: Sendable, Sequence {
    /// The oldest first; at most 10,000.
    public let keys: [Entry]
    /// Whether these are all. Otherwise later keys are not taken until earlier ones end.
    public let isComplete: Bool

    public struct Entry: Hashable, Sendable {
        /// SHA-256 of the key, 32 bytes.
        public let hash: [UInt8]
        public let key: StoredKey
    }

    /// A worker holds all of them in memory, a few megabytes at most.
    static let countMax = 10_000

    public func makeIterator() -> IndexingIterator<[Entry]> { keys.makeIterator() }
}
