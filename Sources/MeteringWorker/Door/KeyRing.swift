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
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// - Parameter now: The wall clock, µs since 1970; it decides only whether a key has expired.
    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    func replace(with all: [[UInt8]: KeyHolder]) {
        state.withLock { $0.holders = all }
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
        guard let field, field.utf8.count <= 256, field.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        let text = String(field.dropFirst("bearer ".count).drop { $0 == " " })
        let hash = APIKey.hash(of: text)
        let time = now()
        return state.withLock { state in
            guard let holder = state.holders[hash] else { return nil }
            if let end = holder.expiresAt, end <= time { return nil }
            state.used.insert(holder.id)
            return holder
        }
    }
}
