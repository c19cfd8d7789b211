public import Metering
import Postgres

extension ClinicLedger {
    /// Clinics by subdomain, then by id.
    ///
    /// - Parameters:
    ///   - text: Part of a name or subdomain in any case, or an id; nil for all.
    ///   - most: Rows at most, 1…100,000.
    public func list(
        matching text: String? = nil, most: Int
    ) async throws(LedgerError) -> [ListedClinic] {
        try await listed(
            [text.map(PostgresValue.text) ?? .null, .null, .count(min(max(1, most), 100_000))])
    }

    public func listed(_ clinic: ClinicID) async throws(LedgerError) -> ListedClinic {
        guard let row = try await listed([.null, .clinic(clinic), .count(1)]).first else {
            throw .unknownClinic("\(clinic)")
        }
        return row
    }

    private func listed(_ values: [PostgresValue]) async throws(LedgerError) -> [ListedClinic] {
        try await stored {
            try await pool.query(SQL.clinicsList, values).map { row in
                ListedClinic(
                    id: try row.clinic("clinic_id"), name: try row.text("name"),
                    subdomain: try row.optionalText("subdomain"),
                    plan: try row.optionalText("plan"),
                    standing: try row.optionalText("standing"),
                    since: try row.isNull("since") ? nil : try row.time("since"),
                    firstDay: try row.optionalText("first_day"),
                    lastDay: try row.optionalText("last_day"))
            }
        }
    }

    /// Adds a clinic, once: the same name and subdomain again return the clinic that is there.
    ///
    /// - Parameters:
    ///   - name: 1 to 255 characters.
    ///   - subdomain: 1 to 63 characters.
    public func add(
        name: String, subdomain: String
    ) async throws(LedgerError) -> (clinic: ClinicID, isNew: Bool) {
        guard (1...255).contains(name.unicodeScalars.count), !name.utf8.contains(0) else {
            throw .outOfRange("a clinic's name has 1 to 255 characters")
        }
        guard (1...63).contains(subdomain.unicodeScalars.count), !subdomain.utf8.contains(0) else {
            throw .outOfRange("a subdomain has 1 to 63 characters")
        }
        do throws(LedgerError) {
            return try await changing { connection in
                let rows = try await connection.query(
                    SQL.clinicAdd, [.text(name), .text(subdomain)])
                guard let row = rows.first else { throw LedgerError.corrupt("no added clinic") }
                return (try row.clinic("clinic_id"), try row.bool("is_new"))
            }
        } catch .store(.server(let refusal)) where refusal.sqlState.isData {
            // An attached table may ask for more than a name and a subdomain.
            throw .refused(
                "the table clinics refuses this row (SQLSTATE \(refusal.sqlState)): add the clinic "
                    + "with your own application")
        }
    }
}
