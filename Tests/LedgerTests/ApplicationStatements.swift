import DatabaseSupport
import LocalServers
import Metering
import Postgres
import TestSupport

@testable import Ledger

/// What an application sends: every command on every table, in the forms that there are.
enum ApplicationStatements {
    private static let clinic = "md5('clinic 2')::uuid"
    private static let fresh = "md5('fresh')::uuid"

    /// A table, its columns, two new rows as values, what two rows conflict on, and a harmless change.
    private struct Table {
        let name: String
        let columns: String
        let values: [String]
        let key: String
        let change: String
    }

    private static let tables: [Table] = [
        Table(
            name: "clinics", columns: "clinic_id, name, subdomain",
            values: ["\(fresh), 'Fresh', 'fresh'", "md5('fresher')::uuid, 'Fresher', NULL"],
            key: "clinic_id", change: "name = upper(name)"),
        Table(
            name: "users", columns: "id, email, clinic_id",
            values: ["9001, 'a@b', \(clinic)", "9002, NULL, NULL"],
            key: "id", change: "clinic_id = \(clinic)"),
        Table(
            name: "patients", columns: "id, name, clinic_id",
            values: ["9001, 'n', \(clinic)", "9002, NULL, \(clinic)"],
            key: "id", change: "clinic_id = \(clinic)"),
        Table(
            name: "visits", columns: "id, patient_id, visit_date",
            values: ["9001, 1, '2026-01-01'", "9002, NULL, NULL"],
            key: "id", change: "visit_date = visit_date + 1"),
        Table(
            name: "clinic_staff", columns: "clinic_id, user_id, role",
            values: ["\(clinic), 100, 'DENTIST'", "\(clinic), 102, 'ASSISTANT'"],
            key: "clinic_id, user_id", change: "role = 'RECEPTIONIST'"),
        Table(
            name: "subscription_plans", columns: "plan_id, name, max_users, max_patients, features",
            values: ["9001, 'p', 1, 1, '{}'", "9002, 'q', 0, -7, '[1, 2]'"],
            key: "plan_id", change: "max_users = max_users + 1"),
        Table(
            name: "clinic_subscriptions",
            columns: "clinic_id, plan_id, start_date, end_date, payment_status",
            values: [
                "md5('clinic 19')::uuid, 1, '2026-01-01', '2025-01-01', 'overdue'",
                "md5('clinic 20')::uuid, NULL, '2026-01-01', '2027-01-01', 'never heard of'",
            ],
            key: "clinic_id", change: "payment_status = 'paid'"),
        Table(
            name: "api_usage", columns: "clinic_id, month, api_calls, storage_used",
            values: [
                "\(clinic), '2020-02-01', 1, 1", "\(clinic), '2020-02-03', NULL, NULL",
            ],
            key: "clinic_id, month", change: "api_calls = coalesce(api_calls, 0) - 1"),
        Table(
            name: "file_storage",
            columns: "file_id, clinic_id, patient_id, s3_path, uploader_id, encrypted_key",
            values: [
                "\(fresh), \(clinic), 1, 's', 1, 'k'", "md5('f')::uuid, NULL, NULL, 's', NULL, ''",
            ],
            key: "file_id", change: "clinic_id = \(clinic)"),
        Table(
            name: "audit_logs", columns: "id, clinic_id, action, entity_type, entity_id",
            values: ["9001, \(clinic), 'a', 'e', 1", "9002, NULL, 'a', 'e', 2"],
            key: "id", change: "details = '{}'"),
    ]

    /// Each with its name; run in a transaction of its own that is rolled back.
    static let all: [(name: String, text: String)] =
        tables.flatMap { table in
            let (name, columns) = (table.name, table.columns)
            let into = "INSERT INTO \(name) (\(columns)) VALUES"
            let rows = table.values.map { "(\($0))" }
            return [
                ("count", "SELECT count(*) FROM \(name);"),
                ("select", "SELECT \(columns) FROM \(name) ORDER BY 1, 2 LIMIT 3;"),
                ("lock", "SELECT count(*) FROM (SELECT FROM \(name) FOR UPDATE) AS held;"),
                ("insert", "\(into) \(rows[0]);"),
                ("rows", "\(into) \(rows.joined(separator: ", "));"),
                ("twice", "\(into) \(rows[0]), \(rows[0]);"),
                (
                    "upsert",
                    "\(into) \(rows[0]); \(into) \(rows.joined(separator: ", ")) "
                        + "ON CONFLICT (\(table.key)) DO UPDATE SET \(table.change);"
                ),
                ("nothing", "\(into) \(rows[0]) ON CONFLICT DO NOTHING;"),
                ("returning", "\(into) \(rows[1]) RETURNING \(columns);"),
                ("update", "UPDATE \(name) SET \(table.change);"),
                ("update none", "UPDATE \(name) SET \(table.change) WHERE false;"),
                (
                    "delete",
                    "\(into) \(rows[0]); DELETE FROM \(name) WHERE (\(columns)) = "
                        + "(SELECT \(columns) FROM (VALUES \(rows[0])) AS v (\(columns)));"
                ),
                ("delete all", "DELETE FROM \(name);"),
                ("truncate", "TRUNCATE \(name);"),
                ("truncate cascade", "TRUNCATE \(name) CASCADE;"),
                ("copy to", "COPY \(name) (\(columns)) TO STDOUT;"),
                (
                    "copy query",
                    "COPY (SELECT \(columns) FROM \(name) ORDER BY 1, 2) TO STDOUT (FORMAT csv);"
                ),
                (
                    "prepared",
                    "PREPARE p AS UPDATE \(name) SET \(table.change); EXECUTE p; DEALLOCATE p;"
                ),
                (
                    "merge",
                    "MERGE INTO \(name) t USING (VALUES (1)) AS v ON false "
                        + "WHEN NOT MATCHED THEN INSERT (\(columns)) VALUES \(rows[0]);"
                ),
            ].map { ("\(name) \($0.0)", $0.1) }
        } + copies

    /// COPY FROM with rows, as psql sends them.
    /// COPY FROM with rows, as psql sends them. psql has no SQLSTATE for COPY: the next statement tells
    /// whether the transaction still lives, and what the table holds.
    private static let copies: [(name: String, text: String)] = [
        ("clinics", "", "00000000-0000-4000-8000-000000000001,n,,,{}"),
        ("users", "(id, email)", "9001,a"), ("patients", "", "9001,n,"), ("visits", "(id)", "9001"),
        ("clinic_staff", "", "\(clinicText),100,DENTIST"),
        ("subscription_plans", "", "9001,n,1,1,{}"),
        ("clinic_subscriptions", "", "\(otherText),1,2026-01-01,2026-01-02,paid"),
        ("api_usage", "", "\(clinicText),2020-01-09,,"),
        (
            "file_storage", "(file_id, s3_path, encrypted_key)",
            "00000000-0000-4000-8000-000000000001,s,k"
        ),
        ("audit_logs", "(action, entity_type, entity_id)", "a,e,1"),
    ].map { table, columns, row in
        (
            "\(table) copy from",
            "COPY \(table) \(columns) FROM STDIN (FORMAT csv);\n\(row)\n\\.\nSELECT count(*) FROM \(table);"
        )
    }

    /// A script for psql that runs all of them and says of each how it ended and with how many rows.
    static func script(clinic: Bool) -> String {
        let setting = clinic ? "SET app.current_clinic_id = '\(clinicText)';\n" : ""
        return setting
            + all.map { name, text in
                "\\echo -- \(name)\nBEGIN;\n\(text)\n\\echo ended :SQLSTATE :ROW_COUNT\nROLLBACK;\n"
            }.joined()
    }

    /// md5('clinic 2') as a UUID.
    private static let clinicText = "ff42fa30-8f72-61c3-45a2-2ce11c50d5c2"
    /// md5('clinic 20'), which has no subscription.
    private static let otherText = "2449182e-c75a-dd3d-a981-d9ba8e0e5653"
}

extension TeamDatabase {
    /// Every statement as the owner and as the application's login, with and without a clinic named.
    func playApplication() async throws -> [String] {
        var lines: [String] = []
        for login in [Self.ownerLogin, Self.appLogin] {
            for clinic in [false, true] {
                lines += try await psql(
                    ApplicationStatements.script(clinic: clinic), as: login)
            }
        }
        return lines
    }

    /// Runs a script as the owner, or another login; errors do not end it.
    func psql(_ script: String, as login: String = ownerLogin) async throws -> [String] {
        try await server.client("psql", ["-XqAt", "--dbname", url(login)], input: script)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            .filter { !$0.isEmpty }
    }

    func usage() async throws -> [String] {
        try await superuser.ask("SELECT u::text FROM api_usage u ORDER BY 1").map { try $0.text(0) }
    }

    /// api_calls of a month by the clinic's number, where there is a row of its first day.
    func calls(_ month: Month) async throws -> [Int: Int64] {
        try await numbers("api_calls", month)
    }

    func storage(_ month: Month, clinic: Int) async throws -> Int64? {
        try await numbers("storage_used", month)[clinic]
    }

    private func numbers(_ column: String, _ month: Month) async throws -> [Int: Int64] {
        let rows = try await superuser.ask(
            """
            SELECT n, coalesce(\(column), 0)::bigint AS held FROM generate_series(1, 20) AS n
            JOIN api_usage ON clinic_id = md5('clinic ' || n)::uuid AND month = $1::date
            """, [.text(month.firstDay)])
        return try Dictionary(
            uniqueKeysWithValues: rows.map { (Int(try $0.int64("n")), try $0.int64("held")) })
    }

    func attention(_ kind: String) async throws -> Int64 {
        try await superuser.ask(
            "SELECT count(*) FROM metering.attention WHERE kind = $1 AND resolved_at IS NULL",
            [.text(kind)])[0].int64(0)
    }

    /// Writes counts of clinics in the current month, as a worker's checkpoint does. Answers what a
    /// roll-up would then make of these clinics.
    func count(in ledger: Ledger, _ used: [Int: Int64]) async throws -> [Int: Int64] {
        let month = try await ledger.usage.currentMonth()
        let observedAt = try await ledger.operations.databaseTime()
        var ids: [ClinicID: Int] = [:]
        for row in try await superuser.ask(
            "SELECT n, md5('clinic ' || n)::uuid AS id FROM generate_series(1, 20) AS n")
        {
            ids[try row.clinic("id")] = Int(try row.int64("n"))
        }
        _ = try await ledger.usage.checkpoint(
            ids.compactMap { id, number in
                used[number].map {
                    UsageCheckpoint(
                        month: month, clinic: id, epoch: Epoch(rawValue: 1), used: $0, credited: 0,
                        observedAt: observedAt)
                }
            })
        var after: [Int: Int64] = [:]
        _ = try await ledger.usage.previewRollUp(month) { change in
            if let number = ids[change.clinic] { after[number] = change.after.apiCalls }
        }
        return after
    }
}
