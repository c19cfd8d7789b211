public import Metering
import Postgres

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

extension StoredKey {
    init(_ row: PostgresRow) throws {
        let scopes = try row.textArray("scopes").compactMap(Scope.init(rawValue:))
        let clinics = try row.uuidArray("clinics").map { ClinicID($0) }
        self.init(
            id: try row.int64("key_id"), name: try row.text("name"), scopes: Set(scopes),
            clinics: Set(clinics), createdAt: try row.timestamp("created_at"),
            expiresAt: try row.optionalTimestamp("expires_at"),
            revokedAt: try row.optionalTimestamp("revoked_at"),
            lastUsedOn: try row.optionalDate("last_used_on"))
    }
}
