import DatabaseSupport
import TestSupport
import Testing
import WorkerSupport

/// `metering-worker rollup` as cron runs it: late, again, and twice at once.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `Runs of rollup` {
    private static let clinics = 150

    @Test func `leave the same bytes after one, two and five`() async throws {
        try await TestDatabase.lend { database in
            try await database.fillLedger(clinics: Self.clinics)
            let first = try await database.rollUp()
            #expect(
                first.contains("2026-02: \(Self.clinics) clinics, \(Self.clinics) rows written\n"))
            #expect(
                first.contains("2026-03: \(Self.clinics) clinics, \(Self.clinics) rows written\n"))
            let bytes = try await database.usageBytes()
            #expect(bytes == (try await database.ledgerBytes()))
            #expect(bytes.split(separator: "\n").count == 2 * Self.clinics)

            for run in 2...5 {
                let again = try await database.rollUp(month: run % 2 == 0 ? "2026-02" : nil)
                let lines = again.split(separator: "\n")
                #expect(!lines.isEmpty)
                #expect(lines.allSatisfy { $0.hasSuffix(" 0 rows written") }, "run \(run)")
                #expect(try await database.usageBytes() == bytes, "run \(run)")
            }
        }
    }

    @Test func `leave the same bytes when two go at once, and each row is written once`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.fillLedger(clinics: Self.clinics)
            // One over a single connection, one over more than it may open.
            async let one = database.rollUp(atOnce: 1)
            async let two = database.rollUp(atOnce: 8)
            let lines = try await [one, two].flatMap { $0.split(separator: "\n") }
            for month in ["2026-02", "2026-03"] {
                let written = lines.filter { $0.hasPrefix("\(month): ") }.compactMap(Self.rows)
                #expect(written.reduce(0, +) == Self.clinics, "\(lines)")
            }
            #expect(try await database.usageBytes() == (try await database.ledgerBytes()))
        }
    }

    @Test func `write only what a late count changed`() async throws {
        try await TestDatabase.lend { database in
            try await database.fillLedger(clinics: Self.clinics)
            _ = try await database.rollUp()
            try await database.psql(
                """
                UPDATE metering.usage_checkpoint SET used = used + 5
                WHERE month = '2026-02-01' AND epoch = 1 AND clinic_id IN (
                    SELECT clinic_id FROM clinics WHERE subdomain IN ('clinic-7', 'clinic-8'))
                """)
            let late = try await database.rollUp(month: "2026-02")
            #expect(late == "2026-02: \(Self.clinics) clinics, 2 rows written\n")
            #expect(try await database.usageBytes() == (try await database.ledgerBytes()))
        }
    }

    /// `2026-02: 150 clinics, 12 rows written` → 12.
    private static func rows(_ line: Substring) -> Int? {
        line.split(separator: " ").dropLast(2).last.flatMap { Int($0) }
    }
}

extension TestDatabase {
    /// Counts of two months in the ledger: two epochs and an adjustment for each clinic, which makes them due.
    fileprivate func fillLedger(clinics: Int) async throws {
        try await psql(
            """
            INSERT INTO clinics (clinic_id, name, subdomain, created_at)
            SELECT md5('clinic ' || n)::uuid, 'Clinic ' || n, 'clinic-' || n, '2026-01-15'
            FROM generate_series(1, \(clinics)) n;
            INSERT INTO metering.usage_checkpoint
                (month, clinic_id, epoch, used, credited, observed_at)
            SELECT month::date, md5('clinic ' || n)::uuid, epoch, 100 * n + 10 * epoch, n, '2026-04-01'
            FROM generate_series(1, \(clinics)) n, generate_series(1, 2) epoch,
                unnest('{2026-02-01,2026-03-01}'::text[]) month;
            INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
            SELECT month::date, md5('clinic ' || n)::uuid, n % 7 - 3, 'a correction', month || ' ' || n
            FROM generate_series(1, \(clinics)) n, unnest('{2026-02-01,2026-03-01}'::text[]) month;
            """)
    }

    fileprivate func rollUp(month: String? = nil, atOnce: Int? = nil) async throws -> String {
        let which = month.map { ["--month", $0] } ?? []
        let how = atOnce.map { ["--at-once", "\($0)"] } ?? []
        let run = try await run(["metering-worker", "rollup"] + which + how)
        guard run.ending == .exited(0) else {
            throw TestFailure("rollup failed: \(run.errors)")
        }
        return run.output
    }

    fileprivate func usageBytes() async throws -> String {
        try await psql("COPY (SELECT * FROM api_usage ORDER BY month, clinic_id) TO STDOUT;")
    }

    /// What api_usage must hold, summed without any statement of the product.
    fileprivate func ledgerBytes() async throws -> String {
        try await psql(
            """
            COPY (
                SELECT clinic_id, month, sum(units) AS api_calls, 0 AS storage_used FROM (
                    SELECT clinic_id, month, used - credited FROM metering.usage_checkpoint
                    UNION ALL
                    SELECT clinic_id, month, units FROM metering.usage_adjustment
                ) AS counted (clinic_id, month, units)
                GROUP BY clinic_id, month ORDER BY month, clinic_id
            ) TO STDOUT;
            """)
    }
}
