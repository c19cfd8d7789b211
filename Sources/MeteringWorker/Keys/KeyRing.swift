import Synchronization

/// The keys that are valid now, by the SHA-256 of their text.
///
/// A copy of the table, renewed every second: a check never waits for PostgreSQL to know its
/// caller, and a flood of wrong keys costs PostgreSQL nothing. A revoked key works for at most that
/// second.
final class KeyRing: Sendable {
    private struct State {
        var owners: [[UInt8]: KeyOwner] = [:]
        var used: Set<Int64> = []
        /// Owners by the whole field that named them, so that the next request of a client costs no
        /// hash.
        var recent: [String: KeyOwner] = [:]

        mutating func owner(recently field: String, at time: Int64) -> KeyOwner? {
            recent[field].flatMap { admit($0, at: time) }
        }

        /// Notes the use of a key, unless it has expired.
        mutating func admit(_ owner: KeyOwner, at time: Int64) -> KeyOwner? {
            if let end = owner.expiresAt, end <= time { return nil }
            used.insert(owner.id)
            return owner
        }
    }

    /// The most fields that the ring remembers until the copy is renewed.
    private static let recentMax = 256

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// - Parameter now: The wall clock, µs since 1970; it decides only whether a key has expired.
    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    func replace(with all: [[UInt8]: KeyOwner]) {
        state.withLock { state in
            state.owners = all
            state.recent = [:]
        }
    }

    /// Ids of the keys that were used since the last call.
    func takeUsed() -> [Int64] {
        state.withLock { state in
            defer { state.used = [] }
            return Array(state.used)
        }
    }

    /// The owner of the key in an `Authorization` field, or nil when it is not a valid one.
    func owner(authorization field: String?) -> KeyOwner? {
        guard let field, field.utf8.count <= 256 else { return nil }
        let time = now()
        if let known = state.withLock({ $0.owner(recently: field, at: time) }) { return known }
        guard field.lowercased().hasPrefix("bearer ") else { return nil }
        let hash = APIKey.hash(of: String(field.dropFirst("bearer ".count).drop { $0 == " " }))
        return state.withLock { state in
            guard let owner = state.owners[hash] else { return nil }
            if state.recent.count < Self.recentMax { state.recent[field] = owner }
            return state.admit(owner, at: time)
        }
    }
}
