import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

/// Every tenant table, from the catalog, × role × setting × command.
@Suite(.timed) struct `Policy matrix` {
    enum Setting: String, CaseIterable {
        case unset, empty, malformed, otherClinic, own, afterCommit
    }

    /// What a command may answer: rows of this many, or an error of this state.
    enum Answer: Equatable {
        case rows(Int64)
        case error(SQLState)
    }

    @Test func `shows clinic_app exactly its own clinic, whatever is granted`() async throws {
        try await TestDatabase.lend { database in
            try await database.fillTenantTables()
            let tables = try await database.tenantTables()
            #expect(tables.count >= 15)
            for table in tables {
                for setting in Setting.allCases {
                    for command in Command.allCases {
                        let answer = try await database.answer(
                            command, table, setting: setting, role: "clinic_app", granting: true)
                        #expect(
                            answer == command.expected(setting, on: table),
                            "\(command) \(table.name) \(setting)")
                    }
                }
            }
        }
    }

    @Test func `lets each role use only the commands that it was granted`() async throws {
        let full: Set<Command> = [.select, .insert, .update, .delete]
        let app: [String: Set<Command>] = [
            "users": full, "patients": full, "visits": full, "clinic_staff": full,
            "file_storage": full, "audit_logs": [.select, .insert], "clinics": [.select],
            "clinic_subscriptions": [.select], "api_usage": [.select],
        ]
        let counts: [String: Set<Command>] = [
            "clinics": [.select], "clinic_subscriptions": [.select], "api_usage": [.select],
            // People are counted by their ids and never read.
            "users": [.select], "patients": [.select], "clinic_staff": [.select],
            "file_storage": [.select],
        ]
        let worker = counts.merging(["api_usage": [.select, .insert, .update]]) { $1 }
        try await TestDatabase.lend { database in
            try await database.fillTenantTables()
            for table in try await database.tenantTables() {
                for (role, granted) in [
                    ("clinic_app", app), ("billing_admin", counts), ("billing_viewer", counts),
                    ("metering_worker", worker),
                ] {
                    for command in Command.allCases {
                        let answer = try await database.answer(
                            command, table, setting: .own, role: role, granting: false)
                        let isGranted = granted[table.name]?.contains(command) == true
                        #expect(
                            (answer == .error("42501")) == !isGranted,
                            "\(role) \(command) \(table.name)")
                    }
                }
            }
        }
    }

    @Test func `lets the worker and the administrator count in every clinic`() async throws {
        try await TestDatabase.lend { database in
            try await database.fillTenantTables()
            for role in ["metering_worker", "billing_admin", "billing_viewer"] {
                for setting in Setting.allCases {
                    for table in try await database.tenantTables()
                    where [
                        "clinics", "users", "patients", "clinic_staff", "file_storage",
                        "clinic_subscriptions", "api_usage",
                    ].contains(table.name) {
                        let answer = try await database.answer(
                            .select, table, setting: setting, role: role, granting: false)
                        #expect(answer == .rows(2), "\(role) \(table.name) \(setting)")
                    }
                }
            }
        }
    }

    @Test func `keeps names and addresses of people from the worker`() async throws {
        try await TestDatabase.lend { database in
            for query in [
                "SELECT email FROM users", "SELECT name FROM patients",
                "SELECT encrypted_key FROM file_storage", "SELECT notes FROM visits",
            ] {
                let error = await #expect(throws: PostgresError.self) {
                    try await database.worker.ask(query)
                }
                #expect(error?.sqlState == "42501", "\(query)")
            }
        }
    }

    @Test func `lets billing_viewer read what billing_admin reads, and no more`() async throws {
        try await TestDatabase.lend { database in
            let written = try await database.owner.ask(
                """
                SELECT c.oid::regclass::text || ' ' || p.privilege AS found
                FROM pg_class c CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'),
                    ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) AS p (privilege)
                WHERE c.relnamespace IN ('metering'::regnamespace, 'public'::regnamespace)
                  AND c.relkind IN ('r', 'p', 'v')
                  AND CASE WHEN p.privilege IN ('INSERT', 'UPDATE', 'REFERENCES')
                    THEN has_any_column_privilege('billing_viewer', c.oid, p.privilege)
                    ELSE has_table_privilege('billing_viewer', c.oid, p.privilege) END
                """)
            #expect(try written.map { try $0.text("found") } == [])
            let differing = try await database.owner.ask(
                """
                SELECT c.oid::regclass || '.' || a.attname AS found
                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
                WHERE c.relnamespace IN ('metering'::regnamespace, 'public'::regnamespace)
                  AND c.relkind IN ('r', 'p', 'v') AND NOT a.attisdropped
                  AND has_column_privilege('billing_viewer', c.oid, a.attnum, 'SELECT')
                    <> has_column_privilege('billing_admin', c.oid, a.attnum, 'SELECT')
                """)
            #expect(try differing.map { try $0.text("found") } == [])
            let functions = try await database.owner.ask(
                """
                SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'metering'::regnamespace
                AND has_function_privilege('billing_viewer', p.oid, 'EXECUTE') ORDER BY p.proname
                """)
            #expect(
                try functions.map { try $0.text(0) } == [
                    "bucket", "first_month", "percent", "plan_amount", "plan_in_force",
                    "plan_limit", "report", "standing_status",
                ])
            let unseen = try await database.owner.ask(
                """
                SELECT k.polrelid::regclass || ' ' || k.polname AS found FROM pg_policy k
                WHERE k.polcmd = 'r' AND 'billing_admin'::regrole = ANY (k.polroles)
                  AND NOT 'billing_viewer'::regrole = ANY (k.polroles)
                """)
            #expect(try unseen.map { try $0.text("found") } == [])
        }
    }

    @Test func `keeps schema metering from clinic_app`() async throws {
        try await TestDatabase.lend { database in
            let app = try database.pool(of: Login.app)
            let tables = try await database.owner.ask(
                """
                SELECT c.relname, c.relrowsecurity AS is_on
                FROM pg_class c WHERE c.relnamespace = 'metering'::regnamespace
                AND c.relkind IN ('r', 'p')
                """)
            #expect(tables.count >= 16)
            for table in tables {
                let name = try table.text("relname")
                #expect(try table.bool("is_on"), "\(name)")
                let error = await #expect(throws: PostgresError.self) {
                    try await app.ask("SELECT FROM metering.\(name)")
                }
                #expect(error?.sqlState == "42501", "\(name)")
            }
            let functions = try await database.owner.ask(
                """
                SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'metering'::regnamespace
                AND has_function_privilege('clinic_app', p.oid, 'EXECUTE') ORDER BY p.proname
                """)
            #expect(try functions.map { try $0.text(0) } == ["release_seat", "reserve_seat"])
            await app.close()
        }
    }

    @Test func `leaves the owner's COPY and pg_dump whole`() async throws {
        try await TestDatabase.lend { database in
            try await database.fillTenantTables()
            // In a month that has a partition.
            var count = try checkpoint(clinic: 1, used: 3)
            count.month = try await database.ledger.usage.currentMonth()
            _ = try await database.ledger.usage.checkpoint([count])
            let url = database.server.url(
                user: Login.owner, password: Login.password, database: database.name)
            let ours = try await database.server.client(
                "pg_dump", ["--schema=public", "--inserts", "--dbname", url])
            for table in try await database.tenantTables() where table.bound == nil {
                let rows = ours.split(separator: "\n").count {
                    $0.hasPrefix("INSERT INTO public.\(table.name) ")
                }
                #expect(rows == (table.isPartitioned ? 0 : 2), "\(table.name)")
            }
            let whole = try await database.server.client(
                "pg_dump", ["--inserts", "--dbname", url])
            let partition = "\(count.month)".replacing("-", with: "_")
            #expect(whole.contains("INSERT INTO metering.usage_checkpoint_\(partition) "))
            let owner = try database.pool(of: Login.owner)
            let copied = try await owner.withConnection { connection in
                try await connection.copyIn(
                    PostgresStatement("COPY public.patients (name, clinic_id) FROM STDIN"),
                    rows: [[.text("copied"), .text("\(ClinicID.numbered(1))")]])
            }
            #expect(copied == 1)
            var lines = 0
            try await owner.withConnection { connection in
                for try await _ in connection.copyOut(
                    PostgresStatement("COPY public.patients TO STDOUT"))
                {
                    lines += 1
                }
            }
            #expect(lines == 3)
            await owner.close()
        }
    }
}
