import Metering
import Synchronization

/// What a bearer of an API key may do.
struct KeyHolder: Hashable, Sendable {
    enum Scope: String, CaseIterable, Sendable {
        case check, usage, admin
    }

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
    private let holders: Mutex<[[UInt8]: KeyHolder]>
    private let now: @Sendable () -> Int64

    /// - Parameter now: The wall clock, µs since 1970; it decides only whether a key has expired.
    init(now: @escaping @Sendable () -> Int64) {
        holders = Mutex([:])
        self.now = now
    }

    func replace(with all: [[UInt8]: KeyHolder]) {
        holders.withLock { $0 = all }
    }

    /// The holder of the key in an `Authorization` field, or nil when it is not a valid one.
    func holder(authorization field: String?) -> KeyHolder? {
        guard let field, field.utf8.count <= 256, field.lowercased().hasPrefix("bearer ") else {
            return nil
        }
        let text = String(field.dropFirst("bearer ".count).drop { $0 == " " })
        let hash = APIKey.hash(of: text)
        guard let holder = holders.withLock({ $0[hash] }) else { return nil }
        if let end = holder.expiresAt, end <= now() { return nil }
        return holder
    }
}
