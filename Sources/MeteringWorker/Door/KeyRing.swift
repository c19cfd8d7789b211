import Metering
import Synchronization

/// What a bearer of an API key may do.
struct KeyHolder: Hashable, Sendable {
    enum Scope: String, CaseIterable, Sendable {
        case check, usage, marks, admin
    }

    let id: Int64
    let name: String
    let scopes: Set<Scope>
    /// Nil = every clinic.
    let clinics: Set<ClinicID>?
    /// µs since 1970; nil = never.
    let expiresAt: Int64?

    func mayAct(in scope: Scope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }
    func maySee(_ clinic: ClinicID) -> Bool { clinics?.contains(clinic) ?? true }
}

/// The keys that are valid now, by the SHA-256 of their text.
///
/// A copy of the table, renewed every second: a check never waits for PostgreSQL to know its caller, and a
/// flood of wrong keys costs PostgreSQL nothing. A revoked key works for at most that second.
final class KeyRing: Sendable {
    private struct State {
        var holders: [[UInt8]: KeyHolder] = [:]
        var used: Set<Int64> = []
        /// Holders by the whole field that named them, so that the same caller's next request costs no hash.
        var recent: [String: KeyHolder] = [:]

        mutating func holder(recently field: String, at time: Int64) -> KeyHolder? {
            recent[field].flatMap { admit($0, at: time) }
        }

        /// Notes the use of a key, unless it has expired.
        mutating func admit(_ holder: KeyHolder, at time: Int64) -> KeyHolder? {
            if let end = holder.expiresAt, end <= time { return nil }
            used.insert(holder.id)
            return holder
        }
    }

    /// The most fields that are remembered until the copy is renewed.
    private static let recentMax = 256

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// - Parameter now: The wall clock, µs since 1970; it decides only whether a key has expired.
    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    func replace(with all: [[UInt8]: KeyHolder]) {
        state.withLock { state in
            state.holders = all
            state.recent = [:]
        }
    }

    /// Ids of the keys that were used since this was asked last.
    func takeUsed() -> [Int64] {
        state.withLock { state in
            defer { state.used = [] }
            return Array(state.used)
        }
    }

    /// The holder of the key in an `Authorization` field, or nil when it is not a valid one.
    func holder(authorization field: String?) -> KeyHolder? {
        guard let field, field.utf8.count <= 256 else { return nil }
        let time = now()
        if let known = state.withLock({ $0.holder(recently: field, at: time) }) { return known }
        guard field.lowercased().hasPrefix("bearer ") else { return nil }
        let hash = APIKey.hash(of: String(field.dropFirst("bearer ".count).drop { $0 == " " }))
        return state.withLock { state in
            guard let holder = state.holders[hash] else { return nil }
            if state.recent.count < Self.recentMax { state.recent[field] = holder }
            return state.admit(holder, at: time)
        }
    }
}
