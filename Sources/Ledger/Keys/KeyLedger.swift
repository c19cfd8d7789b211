public import Metering
import Postgres

/// The keys of the API, stored by their hashes.
public struct KeyLedger: LedgerFacet {
    let pool: PostgresPool

    /// Stores a key by its hash; the key itself never comes here. Throws while as many keys are
    /// usable as `usable` returns, because workers would not hold one more.
    ///
    /// - Parameters:
    ///   - hash: SHA-256 of the key, 32 bytes.
    ///   - name: 1 to 100 characters.
    ///   - scopes: At least one.
    ///   - clinics: Empty means every clinic.
    ///   - expiresAt: µs since 1970-01-01 UTC; nil means never.
    public func create(
        hash: [UInt8], name: String, scopes: Set<StoredKey.Scope>, clinics: [ClinicID] = [],
        expiresAt: Int64? = nil
    ) async throws(LedgerError) -> StoredKey {
        guard hash.count == 32 else { throw .outOfRange("a hash has 32 bytes") }
        guard (1...100).contains(name.unicodeScalars.count) else {
            throw .outOfRange("a key's name has 1 to 100 characters")
        }
        guard !scopes.isEmpty else { throw .outOfRange("a key has at least one scope") }
        return try await stored {
            let rows = try await pool.query(
                SQL.apiKeyInsert,
                [
                    .bytes(hash), .text(name), .textArray(scopes.map(\.rawValue).sorted()),
                    .clinics(clinics.sorted()), expiresAt.map(PostgresValue.timestamp) ?? .null,
                    .count(UsableKeys.countMax),
                ])
            guard let row = rows.first else {
                throw LedgerError.tooManyKeys(max: UsableKeys.countMax)
            }
            return try StoredKey(row)
        }
    }

    /// All keys in the order of their creation, each with the scopes that this version knows.
    public func list() async throws(LedgerError) -> [StoredKey] {
        try await stored { try await pool.query(SQL.apiKeyList).map { try StoredKey($0) } }
    }

    /// The keys that are good now, with their hashes; at most 10,000, the oldest first.
    ///
    /// Leaves out a key with a scope of a newer version, because this version does not know what
    /// the key may do.
    public func usable() async throws(LedgerError) -> UsableKeys {
        let scopes = StoredKey.Scope.allCases.map(\.rawValue)
        return try await stored {
            // One more row than is returned shows whether there are more.
            let rows = try await pool.query(
                SQL.apiKeyUsable, [.count(UsableKeys.countMax + 1), .textArray(scopes)])
            return UsableKeys(
                keys: try rows.prefix(UsableKeys.countMax).map { row in
                    UsableKeys.Entry(hash: try row.bytes("hash"), key: try StoredKey(row))
                },
                isComplete: rows.count <= UsableKeys.countMax)
        }
    }

    /// The key with this hash, also when it has expired or was revoked; nil when there is none.
    public func find(hash: [UInt8]) async throws(LedgerError) -> StoredKey? {
        try await stored {
            try await pool.query(SQL.apiKeyFind, [.bytes(hash)]).first.map { try StoredKey($0) }
        }
    }

    /// Ends a key; nil when there is none with this id. The first revocation stays.
    public func revoke(_ id: Int64) async throws(LedgerError) -> StoredKey? {
        try await stored {
            try await pool.query(SQL.apiKeyRevoke, [.int64(id)]).first.map { try StoredKey($0) }
        }
    }

    /// Stores a key beside the one of the same name, with the same scopes and clinics, and lets the
    /// old one expire after `grace`, if it does not before. Two keys of a name are good at once,
    /// and no more.
    ///
    /// - Parameters:
    ///   - hash: SHA-256 of the new key, 32 bytes.
    ///   - grace: µs, at least 0.
    ///   - expiresAt: Of the new key: µs since 1970-01-01 UTC; nil means never.
    public func rotate(
        named name: String, hash: [UInt8], grace: Int64, expiresAt: Int64? = nil
    ) async throws(LedgerError) -> (new: StoredKey, old: StoredKey) {
        guard hash.count == 32 else { throw .outOfRange("a hash has 32 bytes") }
        return try await stored {
            try await pool.transaction { connection in
                // A statement of its own, so that the next one sees what the rotation before made.
                _ = try await connection.query(SQL.apiKeyNamedLock, [.text(name)])
                let keys = try await connection.query(SQL.apiKeyNamed, [.text(name)])
                    .map { try StoredKey($0) }
                guard keys.count == 1, let current = keys.first else {
                    throw LedgerError.refused(Self.refusal(of: keys))
                }
                let made = try await connection.query(
                    SQL.apiKeyInsert,
                    [
                        .bytes(hash), .text(name),
                        .textArray(current.scopes.map(\.rawValue).sorted()),
                        .clinics(current.clinics.sorted()),
                        expiresAt.map(PostgresValue.timestamp) ?? .null,
                        .count(UsableKeys.countMax),
                    ])
                guard let made = made.first else {
                    throw LedgerError.tooManyKeys(max: UsableKeys.countMax)
                }
                let ended = try await connection.query(
                    SQL.apiKeyExpire, [.int64(current.id), .int64(grace)])
                guard let ended = ended.first else {
                    throw LedgerError.corrupt("a key that went while it was locked")
                }
                return (try StoredKey(made), try StoredKey(ended))
            }
        }
    }

    private static func refusal(of keys: [StoredKey]) -> String {
        guard !keys.isEmpty else { return "no key of this name is good now: see keys list" }
        let ids = keys.map { "\($0.id)" }.joined(separator: ", ")
        return "keys \(ids) of this name are good now; revoke all but one, then rotate"
    }

    /// Records today as the day on which keys were last used; returns for how many this is news.
    @discardableResult
    public func noteUse(of ids: [Int64]) async throws(LedgerError) -> Int {
        try await stored { try await pool.execute(SQL.apiKeyTouch, [.int64Array(ids)]) }
    }
}
