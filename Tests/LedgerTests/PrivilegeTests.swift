import DatabaseSupport
import Ledger
import LocalServers
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Least privilege` {
    @Test func `the worker's login is let in`() async throws {
        try await TestDatabase.lend { try await $0.ledger.requireLeastPrivilege() }
    }

    @Test func `a superuser and an owner are refused`() async throws {
        try await TestDatabase.lend { database in
            await #expect(throws: LedgerError.unsafeRole(login: "postgres", .superuser)) {
                try await Ledger(pool: database.owner).requireLeastPrivilege()
            }
            let owner = try database.pool(of: Login.owner)
            await #expect(throws: LedgerError.unsafeRole(login: Login.owner, .owner)) {
                try await Ledger(pool: owner).requireLeastPrivilege()
            }
            await owner.close()
        }
    }

    @Test func `a login that could become more than it is by SET ROLE is refused`() async throws {
        try await TestDatabase.lend { database in
            for (login, setUp, expected) in [
                ("sly_bypass", "ALTER ROLE sly_power BYPASSRLS", .bypassesRowSecurity),
                ("sly_super", "ALTER ROLE sly_power SUPERUSER NOBYPASSRLS", .superuser),
                (
                    "sly_table",
                    """
                    ALTER ROLE sly_power NOSUPERUSER NOBYPASSRLS;
                    CREATE TABLE public.sly_table (x int);
                    ALTER TABLE public.sly_table OWNER TO sly_power
                    """, .owns("sly_table")
                ),
            ] as [(String, String, LedgerError.UnsafeRole)] {
                try await database.owner.script(
                    """
                    DO $$ BEGIN CREATE ROLE sly_power NOLOGIN;
                    EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                    CREATE ROLE \(login) LOGIN NOINHERIT PASSWORD '\(Login.password)';
                    GRANT sly_power, metering_worker TO \(login);
                    \(setUp);
                    """)
                let pool = try database.pool(of: login)
                await #expect(throws: LedgerError.unsafeRole(login: login, expected)) {
                    try await Ledger(pool: pool).requireLeastPrivilege()
                }
                await pool.close()
                try await database.owner.script("DROP ROLE \(login)")
            }
            try await database.owner.script("DROP TABLE sly_table; DROP ROLE sly_power")
        }
    }

    @Test func `a login without the worker's rights is told which grant is missing`() async throws {
        try await TestDatabase.lend { database in
            let admin = try database.pool(of: Login.admin)
            let error = await #expect(throws: LedgerError.missingGrant(login: Login.admin)) {
                try await Ledger(pool: admin).requireLeastPrivilege()
            }
            #expect(error?.description.contains("GRANT metering_worker TO \(Login.admin)") == true)
            await admin.close()
        }
    }

    @Test func `a database without migrations is refused with the command to run`() async throws {
        try await TestDatabase.lendEmpty { pool, _ in
            let error = await #expect(throws: LedgerError.self) {
                try await Ledger(pool: pool).requireSchema()
            }
            #expect(error?.remedy == .migrate)
            #expect(error?.description.contains("run metering-worker migrate") == true)
        }
    }
}
