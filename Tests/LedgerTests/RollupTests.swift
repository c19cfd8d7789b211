import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing
import Values

@Suite(.timed) struct `Roll-up` {
    @Test func `sets api_usage to the sum over epochs and adjustments`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(3)
            _ = try await database.ledger.usage.checkpoint([
                checkpoint(clinic: 1, epoch: 1, used: 100, credited: 20),
                checkpoint(clinic: 1, epoch: 2, used: 7),
                checkpoint(clinic: 1, month: 10, epoch: 1, used: 1),
                checkpoint(clinic: 2, used: 5),
            ])
            try await database.adjust(clinic: 1, units: -7, key: "a")
            try await database.adjust(clinic: 3, units: -4, key: "b")
            let rollups = try await database.ledger.usage.rollUpDue()
            #expect(rollups.map(\.month) == [try month("2026-10"), try month("2026-11")])
            #expect(rollups.map(\.written) == [1, 3])
            #expect(
                try await database.calls() == [
                    "2026-10 1 1", "2026-11 1 80", "2026-11 2 5", "2026-11 3 -4",
                ])
        }
    }

    @Test func `run 1, 2 and 5 times gives the same bytes, and writes only the first time`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(300)
            _ = try await database.ledger.usage.checkpoint(
                (1...300).map { try checkpoint(clinic: $0, used: Int64($0)) })
            let november = try month("2026-11")
            let first = try await database.ledger.usage.rollUp(november)
            let table = try await database.usageTable()
            #expect(first.written == 300)
            #expect(first.examined == 300)
            for _ in 2...5 {
                #expect(try await database.ledger.usage.rollUp(november).written == 0)
                #expect(try await database.usageTable() == table)
            }
            #expect(try await database.ledger.usage.rollUpDue() == [])
        }
    }

    @Test func `run twice at once gives the same bytes as run once`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(300)
            _ = try await database.ledger.usage.checkpoint(
                (1...300).map { try checkpoint(clinic: $0, used: Int64($0)) })
            let november = try month("2026-11")
            async let one = database.ledger.usage.rollUp(november)
            async let other = database.ledger.usage.rollUp(november)
            let written = try await one.written + other.written
            #expect(written == 300)
            let table = try await database.usageTable()
            #expect(table.count == 300)
            #expect(try await database.ledger.usage.rollUp(november).written == 0)
            #expect(try await database.usageTable() == table)
        }
    }

    /// One roll-up summed 200 and waited; another wrote 300; then the first wrote its 200 over it.
    /// Here both must wait for the bucket before they sum.
    @Test func `that waited for its bucket sums what was committed meanwhile`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 1, used: 200)])
            let november = try month("2026-11")
            try await database.owner.withConnection { holder in
                try await holder.script(
                    "BEGIN; SELECT FROM metering.usage_month WHERE month = '2026-11-01' FOR UPDATE")
                async let first = database.ledger.usage.rollUp(november)
                async let second = database.ledger.usage.rollUp(november)
                try await database.waitForBlocked(2)
                try await holder.script(
                    """
                    UPDATE metering.usage_checkpoint SET used = 300;
                    COMMIT
                    """)
                #expect(try await first.written + second.written == 1)
            }
            #expect(try await database.calls() == ["2026-11 1 300"])
        }
    }

    @Test func `waits for a writer that came first and counts what it wrote`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 1, used: 200)])
            try await database.owner.withConnection { writer in
                try await writer.script(
                    """
                    BEGIN;
                    SELECT FROM metering.usage_month WHERE month = '2026-11-01' FOR SHARE;
                    UPDATE metering.usage_checkpoint SET used = 370;
                    """)
                async let rollup = database.ledger.usage.rollUpDue()
                try await database.waitForBlocked()
                try await writer.script("COMMIT")
                #expect(try await rollup.map(\.written) == [1])
            }
            #expect(try await database.calls() == ["2026-11 1 370"])
        }
    }

    /// The roll-up clears `due`; a writer that waited for it must set it again.
    @Test func `leaves a bucket due for a checkpoint that waited for it`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let row = try checkpoint(clinic: 1, used: 1)
            _ = try await database.ledger.usage.checkpoint([row])
            try await database.owner.withConnection { roller in
                try await roller.script(
                    """
                    BEGIN;
                    SELECT FROM metering.usage_month WHERE month = '2026-11-01' FOR UPDATE;
                    UPDATE metering.usage_month SET due = false;
                    """)
                async let outcome = database.ledger.usage.checkpoint([
                    checkpoint(clinic: 1, used: 2)
                ])
                try await database.waitForBlocked()
                try await roller.script("COMMIT")
                #expect(try await outcome.written == 1)
            }
            #expect(try await database.ledger.usage.rollUpDue().map(\.written) == [1])
            #expect(try await database.calls() == ["2026-11 1 2"])
        }
    }

    @Test func `previewed names each change and writes nothing`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let november = try month("2026-11")
            _ = try await database.ledger.usage.checkpoint([
                checkpoint(clinic: 1, used: 5), checkpoint(clinic: 2, used: 6),
            ])
            _ = try await database.ledger.usage.rollUp(november)
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 2, used: 9)])
            let before = try await database.snapshot()
            var changes: [UsageChange] = []
            let preview = try await database.ledger.usage.previewRollUp(november) {
                changes.append($0)
            }
            #expect(preview.written == 1)
            #expect(preview.examined == 2)
            #expect(changes.map(\.clinic) == [.numbered(2)])
            #expect(changes.map(\.before?.apiCalls) == [6])
            #expect(changes.map(\.after.apiCalls) == [9])
            #expect(try await database.snapshot() == before)
            #expect(try await database.ledger.usage.rollUp(november).written == 1)
        }
    }

    @Test func `leaves out clinics that are gone and keeps their usage in the ledger`() async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            _ = try await database.ledger.usage.checkpoint([
                checkpoint(clinic: 1, used: 5), checkpoint(clinic: 99, used: 6),
            ])
            let rollup = try await database.ledger.usage.rollUp(month("2026-11"))
            #expect(rollup.ownerless == 1)
            #expect(rollup.written == 1)
            #expect(try await database.calls() == ["2026-11 1 5"])
            let row = try checkpoint(clinic: 99, used: 6)
            #expect(try await database.ledger.usage.confirmed([row]) == [row])
        }
    }

    @Test func `sets the bytes that a month ended with, and knows its peak`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let current = try await database.ledger.usage.currentMonth()
            let past = try #require(current.previous)
            var old = try checkpoint(clinic: 1, used: 3)
            old.month = past
            _ = try await database.ledger.usage.checkpoint([old])
            try await database.store(4_000_000_000, 2)
            for month in [past, current] { _ = try await database.ledger.usage.rollUp(month) }
            // Before the first record there is none.
            #expect(try await database.callsAndBytes() == [[3, 0], [0, 4_000_000_002]])
            // As if that had been last month, with more and less since.
            try await database.owner.script(
                "UPDATE metering.storage_month SET month = '\(past)-01'")
            try await database.store(100)
            try await database.owner.script("DELETE FROM file_storage WHERE size_bytes > 2")
            for month in [past, current] { _ = try await database.ledger.usage.rollUp(month) }
            #expect(try await database.callsAndBytes() == [[3, 4_000_000_002], [0, 2]])
            let peaks = try await database.owner.ask(
                "SELECT bytes, peak FROM metering.storage_month ORDER BY month")
            #expect(
                try peaks.map { [try $0.int64(0), try $0.int64(1)] } == [
                    [4_000_000_002, 4_000_000_002], [2, 4_000_000_102],
                ])
            for month in [past, current] {
                #expect(try await database.ledger.usage.rollUp(month).written == 0)
            }
        }
    }

    @Test func `comes once more to a month that has ended`() async throws {
        try await TestDatabase.lend { database in
            let current = try await database.ledger.usage.currentMonth()
            let past = try #require(current.previous)
            for month in [past, current] { _ = try await database.ledger.usage.rollUp(month) }
            #expect(try await database.ledger.usage.dueMonths() == [current])
            try await database.owner.script(
                """
                UPDATE metering.usage_month SET rolled_up_at = '\(current)-01'::timestamp
                    AT TIME ZONE 'UTC' - interval '1 second' WHERE month = '\(past)-01'
                """)
            #expect(try await database.ledger.usage.rollUpDue().map(\.month) == [past])
            #expect(try await database.ledger.usage.rollUpDue().isEmpty)
        }
    }

    @Test func `leaves a closed month as it is`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let november = try month("2026-11")
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 1, used: 5)])
            _ = try await database.ledger.usage.rollUp(november)
            try await database.owner.script(
                """
                UPDATE metering.usage_month
                SET state = 'closed', closed_at = now()
                WHERE month = '2026-11-01'
                """)
            let late = try await database.ledger.usage.checkpoint([checkpoint(clinic: 1, used: 8)])
            #expect(late.written == 1)
            #expect(try await database.ledger.usage.rollUp(november).closedBuckets == 64)
            #expect(try await database.ledger.usage.previewRollUp(november).closedBuckets == 64)
            #expect(try await database.calls() == ["2026-11 1 5"])
            for change in [
                "UPDATE api_usage SET api_calls = 6", "DELETE FROM api_usage",
                """
                INSERT INTO api_usage (clinic_id, month)
                VALUES ('\(ClinicID.numbered(2))', '2026-11-01')
                """,
            ] {
                let error = await #expect(throws: PostgresError.self) {
                    try await database.owner.script(change)
                }
                #expect(error?.sqlState == "BQ010")
            }
        }
    }

    @Test func `goes on with other buckets and months when one fails`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(40)
            let clinics = (1...40).flatMap { [($0, 10), ($0, 11)] }
            _ = try await database.ledger.usage.checkpoint(
                clinics.map { try checkpoint(clinic: $0.0, month: $0.1, used: 5) })
            // The clinic of the lowest bucket, so that all others come after it.
            let first = try await database.owner.ask(
                """
                SELECT clinic_id::text, bucket FROM metering.usage_checkpoint
                ORDER BY month, bucket, clinic_id LIMIT 1
                """)
            try await database.owner.script(
                """
                ALTER TABLE api_usage ADD CONSTRAINT broken
                CHECK (month <> '2026-10-01' OR clinic_id <> '\(try first[0].text(0))')
                """)
            for _ in 1...2 {
                let error = await #expect(throws: LedgerError.self) {
                    try await database.ledger.usage.rollUpDue()
                }
                guard case .store(.server(let refusal)) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(refusal.constraint == "broken")
            }
            let due = try await database.owner.ask(
                "SELECT to_char(month, 'YYYY-MM'), bucket FROM metering.usage_month WHERE due")
            #expect(try due.map { try $0.text(0) } == ["2026-10"])
            #expect(try due.map { try $0.int64(1) } == [first[0].int64("bucket")])
            try await database.owner.script("ALTER TABLE api_usage DROP CONSTRAINT broken")
            #expect(try await database.ledger.usage.rollUpDue().map(\.month) == [month("2026-10")])
            #expect(
                try await database.calls().sorted()
                    == clinics.map { "2026-\($0.1) \($0.0) 5" }.sorted())
        }
    }

    @Test func `is repeated when the answer to its commit is lost`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 1, used: 5)])
            try await database.loseFirstCommit(of: "api_usage")
            #expect(try await database.ledger.usage.rollUpDue().map(\.written) == [1])
            #expect(try await database.commits() == 2)
            #expect(try await database.calls() == ["2026-11 1 5"])
        }
    }

    @Test func `is due for months that were written to, and for the current one`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let current = try await database.ledger.usage.currentMonth()
            #expect(try await database.ledger.usage.dueMonths() == [current])
            var old = try checkpoint(clinic: 1, used: 3)
            old.month = try month("2025-02")
            _ = try await database.ledger.usage.checkpoint([old])
            #expect(try await database.ledger.usage.dueMonths() == [old.month, current])
            _ = try await database.ledger.usage.rollUp(old.month)
            #expect(try await database.ledger.usage.dueMonths() == [current])
        }
    }
}

extension TestDatabase {
    /// `2026-11 1 80`: month, number of the clinic, units.
    fileprivate func calls() async throws -> [String] {
        let rows = try await owner.ask(
            """
            SELECT to_char(month, 'YYYY-MM') AS month, clinic_id, api_calls FROM api_usage
            ORDER BY month, clinic_id
            """)
        return try rows.map { row in
            let number = try row.uuid("clinic_id").low & 0xFFFF
            return "\(try row.text("month")) \(number) \(try row.int64("api_calls"))"
        }
    }

    fileprivate func adjust(clinic: Int, units: Int64, key: String) async throws {
        try await worker.ask(
            """
            INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
            VALUES ('2026-11-01', $1::text::uuid, $2, 'test', $3)
            """, [.text("\(ClinicID.numbered(clinic))"), .int64(units), .text(key)])
    }

    /// Everything a dry run could have touched, with the transaction that wrote each row.
    fileprivate func snapshot() async throws -> [String] {
        let rows = try await owner.ask(
            """
            SELECT xmin::text || u::text AS line FROM api_usage u
            UNION ALL SELECT xmin::text || m::text FROM metering.usage_month m ORDER BY 1
            """)
        return try rows.map { try $0.text(0) }
    }
}

extension TestDatabase {
    /// Files of clinic 1.
    fileprivate func store(_ sizes: Int...) async throws {
        try await owner.script(
            """
            INSERT INTO file_storage (file_id, clinic_id, s3_path, encrypted_key, size_bytes)
            SELECT gen_random_uuid(), '\(ClinicID.numbered(1))', 'x', 'x', bytes
            FROM unnest(ARRAY\(sizes)::bigint[]) AS bytes
            """)
    }

    fileprivate func callsAndBytes() async throws -> [[Int64]] {
        try await owner.ask("SELECT api_calls, storage_used FROM api_usage ORDER BY month")
            .map { [try $0.int64(0), try $0.int64(1)] }
    }
}
