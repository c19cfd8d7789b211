import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport

extension TestDatabase {
    /// Lends an empty database: its superuser's pool, and its name.
    static func lendEmpty(
        _ body: (PostgresPool, String) async throws -> Void
    ) async throws {
        try await lendEmpty { database in try await body(database.owner, database.name) }
    }

    /// api_usage as text, in order: what "identical bytes" are compared by.
    func usageTable() async throws -> [String] {
        try await owner.ask("SELECT u::text FROM api_usage u ORDER BY month, clinic_id")
            .map { try $0.text(0) }
    }

    /// Ends the session that commits the first new row of a table, and `more` after it, in the midst of
    /// COMMIT.
    func loseFirstCommit(of table: String, and more: Int = 0) async throws {
        try await owner.script(
            """
            CREATE SEQUENCE public.commits;
            CREATE FUNCTION public.lose_commit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN
                IF nextval('public.commits') <= \(more + 1) THEN
                    PERFORM pg_terminate_backend(pg_backend_pid());
                END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER lose_commit AFTER INSERT ON \(table)
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.lose_commit();
            """)
    }

    /// How many rows were about to be committed since `loseFirstCommit`.
    func commits() async throws -> Int64 {
        try await owner.ask("SELECT last_value FROM public.commits")[0].int64(0)
    }
}

/// A row of clinic number `clinic` in 2026-`month`.
func checkpoint(
    clinic: Int, month: Int = 11, epoch: UInt64 = 1, used: Int64, credited: Int64 = 0,
    observedAt: Int64 = 1_795_428_007_000_000
) throws -> UsageCheckpoint {
    guard let month = Month(year: 2026, month: month) else {
        throw TestFailure("2026 has no month \(month)")
    }
    return UsageCheckpoint(
        month: month, clinic: .numbered(clinic), epoch: Epoch(rawValue: epoch), used: used,
        credited: credited, observedAt: observedAt)
}

func month(_ text: String) throws -> Month {
    guard let month = Month(text) else { throw TestFailure("no month is written \(text)") }
    return month
}
