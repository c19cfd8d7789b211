import Foundation
import Shell
import Ledger
import Metering
import Values

/// A key as the list shows it. Scripts read the names of its members; never rename one.
struct KeyListing: Encodable {
    enum State: String, Encodable { case valid, expired, revoked }

    let id: Int64
    let name: String
    let state: State
    let scopes: [String]
    /// Empty means every clinic.
    let clinics: [String]
    let createdAt: String?
    let expiresAt: String?
    let revokedAt: String?
    let lastUsedOn: String?

    init(_ key: StoredKey, now: Int64) {
        id = key.id
        name = key.name
        state = key.revokedAt != nil ? .revoked : key.isUsable(at: now) ? .valid : .expired
        scopes = key.scopes.map(\.rawValue).sorted()
        clinics = key.clinics.sorted().map(\.description)
        createdAt = Self.time(key.createdAt)
        expiresAt = key.expiresAt.flatMap(Self.time)
        revokedAt = key.revokedAt.flatMap(Self.time)
        lastUsedOn = key.lastUsedOn.map { CivilDate(daysSince1970: Int64($0)).description }
    }

    /// For a person who is about to end it.
    var rights: String {
        let clinics = clinics.isEmpty ? "every clinic" : "\(clinics.count) clinics"
        return "\(state.rawValue), \(scopes.joined(separator: ",")) for \(clinics), last used "
            + (lastUsedOn ?? "never")
    }

    private static func time(_ microseconds: Int64) -> String? {
        UTCTime(microseconds: microseconds)?.rfc3339
    }

    static func json(of lines: [KeyListing]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(["keys": lines]) + [UInt8(ascii: "\n")]
    }

    /// Tabs between the columns, the name last because it may hold blanks.
    static func table(of lines: [KeyListing]) -> String {
        guard !lines.isEmpty else {
            return "no keys; `metering-worker keys create` makes one\n"
        }
        let heading = "id\tstate\tscopes\tclinics\tcreated\texpires\tlast used\tname\n"
        return heading
            + lines.map { line in
                let clinics = line.clinics.isEmpty ? "every" : line.clinics.joined(separator: ",")
                let cells = [
                    String(line.id), line.state.rawValue, line.scopes.joined(separator: ","),
                    clinics, line.createdAt ?? "", line.expiresAt ?? "never",
                    line.lastUsedOn ?? "never", TerminalText.quoted(line.name),
                ]
                return cells.joined(separator: "\t") + "\n"
            }.joined()
    }
}
