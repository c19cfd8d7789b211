import DatabaseSupport
import LocalServers
import Metering
import Postgres
import Testing

/// A table with a clinic_id in schema public.
struct TenantTable {
    let name: String
    let isPartitioned: Bool
    /// The first day of a partition of visits that holds the test's rows, nil for every other table.
    let bound: String?
    /// How many of the test's rows belong to each of the two clinics.
    let rowsOfClinic: Int64
}

enum Command: String, CaseIterable {
    case select, insert, update, delete

    /// Each table has rows of the own clinic and of another; an insert is of the own clinic.
    func expected(
        _ setting: `Policy matrix`.Setting, on table: TenantTable
    ) -> `Policy matrix`.Answer {
        switch (self, setting) {
        case (_, .malformed): .error("22P02")
        case (.insert, .own): .rows(1)
        // WITH CHECK: a row of another clinic is refused.
        case (.insert, _): .error("42501")
        case (_, .own), (_, .otherClinic): .rows(table.rowsOfClinic)
        case (_, .unset), (_, .empty), (_, .afterCommit): .rows(0)
        }
    }
}

extension TestDatabase {
    static let own = ClinicID.numbered(1)
    static let other = ClinicID.numbered(2)

    /// Every table with a clinic_id, partitions too, as the catalog lists them.
    func tenantTables() async throws -> [TenantTable] {
        let rows = try await owner.ask(
            """
            SELECT c.relname, c.relkind = 'p' AS is_partitioned, CASE WHEN c.relispartition THEN
                coalesce(substring(pg_get_expr(c.relpartbound, c.oid) FROM '\\d{4}-\\d\\d-\\d\\d'),
                    '1999-01-01') END AS bound
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            ORDER BY c.relname
            """)
        let partitions = try rows.count { try !$0.isNull("bound") }
        return try rows.map { row in
            let isPartitioned = try row.bool("is_partitioned")
            return TenantTable(
                name: try row.text("relname"), isPartitioned: isPartitioned,
                bound: try row.optionalText("bound"),
                rowsOfClinic: isPartitioned ? Int64(partitions) : 1)
        }
    }

    /// Two rows in each table: of the own clinic and of another. A visit in each partition.
    func fillTenantTables() async throws {
        try await makeClinics(2)
        let plan = try await makePlan("Gold")
        for (number, clinic) in [(1, Self.own), (2, Self.other)] {
            try await subscribe(clinic, to: plan)
            try await owner.script(
                """
                INSERT INTO users (id, email, clinic_id) VALUES (\(number), 'u', '\(clinic)');
                INSERT INTO patients (id, name, clinic_id) VALUES (\(number), 'p', '\(clinic)');
                INSERT INTO clinic_staff VALUES ('\(clinic)', \(number), 'DENTIST');
                INSERT INTO file_storage (file_id, clinic_id, s3_path, encrypted_key, size_bytes)
                VALUES (gen_random_uuid(), '\(clinic)', 's3', 'k', 1);
                INSERT INTO api_usage (clinic_id, month) VALUES ('\(clinic)', '2026-11-01');
                """)
            for table in try await tenantTables() {
                guard let bound = table.bound else { continue }
                try await owner.script(
                    "INSERT INTO visits (clinic_id, visit_date) VALUES ('\(clinic)', '\(bound)')")
            }
        }
        try await owner.script("SELECT setval('users_id_seq', 10), setval('patients_id_seq', 10)")
    }

    /// Runs one command as `role` with a setting, in a transaction that is rolled back.
    ///
    /// - Parameter granting: Grants the role everything first, so that only policies stand in the way.
    func answer(
        _ command: Command, _ table: TenantTable, setting: `Policy matrix`.Setting, role: String,
        granting: Bool
    ) async throws -> `Policy matrix`.Answer {
        try await owner.withConnection { connection in
            if setting == .afterCommit {
                try await connection.script(
                    "BEGIN; SET LOCAL app.current_clinic_id = '\(Self.own)'; COMMIT")
            }
            try await connection.script("BEGIN; \(prepare(command, table, granting: granting))")
            switch setting {
            case .unset, .afterCommit: break
            case .empty: try await connection.script("SET LOCAL app.current_clinic_id = ''")
            case .malformed:
                try await connection.script("SET LOCAL app.current_clinic_id = 'not-a-uuid'")
            case .otherClinic:
                try await connection.script("SET LOCAL app.current_clinic_id = '\(Self.other)'")
            case .own:
                try await connection.script("SET LOCAL app.current_clinic_id = '\(Self.own)'")
            }
            try await connection.script("SET LOCAL ROLE \(role)")
            let answer: `Policy matrix`.Answer
            do throws(PostgresError) {
                let rows = try await connection.query(PostgresStatement(text(command, table)))
                answer = .rows(try rows[0].int64(0))
            } catch {
                guard let state = error.sqlState else { throw error }
                answer = .error(state)
            }
            try await connection.script("ROLLBACK")
            return answer
        }
    }

    /// Takes away what is not the policies' business: missing grants, and keys that a command runs into.
    private func prepare(_ command: Command, _ table: TenantTable, granting: Bool) -> String {
        var steps: [String] = []
        if granting {
            steps.append(
                """
                GRANT ALL ON ALL TABLES IN SCHEMA public TO clinic_app;
                GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO clinic_app;
                """)
        }
        // Rows of other tables refer to these; in this transaction they may dangle.
        if command != .select { steps.append("SET LOCAL session_replication_role = replica;") }
        if command == .insert,
            ["clinic_staff", "clinic_subscriptions", "api_usage", "clinics"]
                .contains(table.name)
        {
            steps.append("DELETE FROM \(table.name);")
        }
        return steps.joined(separator: " ")
    }

    /// The statement, answering how many rows it saw or changed. An insert is of the own clinic.
    private func text(_ command: Command, _ table: TenantTable) -> String {
        switch command {
        case .select: return "SELECT count(clinic_id) FROM \(table.name)"
        case .update:
            return """
                WITH done AS (UPDATE \(table.name) SET clinic_id = clinic_id RETURNING 1)
                SELECT count(*) FROM done
                """
        case .delete:
            return "WITH done AS (DELETE FROM \(table.name) RETURNING 1) SELECT count(*) FROM done"
        case .insert:
            return """
                WITH done AS (INSERT INTO \(table.name) \(values(table)) RETURNING 1)
                SELECT count(*) FROM done
                """
        }
    }

    private func values(_ table: TenantTable) -> String {
        let own = Self.own
        return switch table.name {
        case "clinics": "(clinic_id, name) VALUES ('\(own)', 'n')"
        case "users": "(email, clinic_id) VALUES ('n', '\(own)')"
        case "patients": "(name, clinic_id) VALUES ('n', '\(own)')"
        case "clinic_staff": "VALUES ('\(own)', 2, 'DENTIST')"
        case "file_storage":
            "(file_id, clinic_id, s3_path, encrypted_key) VALUES (gen_random_uuid(), '\(own)', 's', 'k')"
        case "audit_logs":
            "(clinic_id, action, entity_type, entity_id) VALUES ('\(own)', 'a', 'e', 1)"
        case "clinic_subscriptions":
            "VALUES ('\(own)', NULL, '2026-01-01', '2027-01-01', 'active')"
        case "api_usage": "(clinic_id, month) VALUES ('\(own)', '2026-11-01')"
        default:
            "(id, clinic_id, visit_date) VALUES (99, '\(own)', '\(table.bound ?? "2026-05-05")')"
        }
    }
}
