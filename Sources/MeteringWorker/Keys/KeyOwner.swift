import Metering

/// What the bearer of an API key may do.
struct KeyOwner: Hashable, Sendable {
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
