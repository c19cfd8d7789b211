/// The keys that callers may use now, each with the hash it is found by.
public struct UsableKeys: Sendable, Sequence {
    /// The oldest first; at most 10,000.
    public let keys: [Entry]
    /// Whether these are all. When false, workers refuse later keys until earlier ones end.
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
