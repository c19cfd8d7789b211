import DatabaseSupport
import Metering
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// What keeps a roll-up of very many clinics from taking minutes, or from holding up checkpoints for so long.
@Suite(.timed) struct `Pace of a roll-up` {
    /// A table that was empty when a statement was planned is read whole for each row of it: free, until another
    /// connection fills that table while the statement runs.
    @Test(arguments: [false, true])
    func `reads no table whole, also where PostgreSQL knows it to be empty`(isPreview: Bool)
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(3)
            let november: [PostgresValue] = [.month(try month("2026-11"))]
            try await database.worker.execute(SQL.rollupMonthInsert, november)
            try await database.owner.withConnection { owner in
                try await owner.script("VACUUM ANALYZE")
            }
            let plan = try await database.worker.transaction { connection in
                let place = november + [.int64(7)]
                if isPreview {
                    try await connection.execute(SQL.rollupByIndex)
                } else {
                    try await connection.execute(SQL.rollupBucketLock, place)
                }
                let asked = isPreview ? SQL.rollupBucketPreview : SQL.rollupBucketWrite
                let explained = PostgresStatement(name: "explained", text: "EXPLAIN " + asked.text)
                return try await connection.query(explained, place).map { try $0.text(0) }
            }
            #expect(plan.contains { $0.contains("Index Scan") && $0.contains("on api_usage") })
            for table in ["api_usage", "usage_daily", "usage_checkpoint", "clinic", "storage"] {
                let whole = plan.filter { $0.contains("Seq Scan on \(table)") }
                #expect(whole.isEmpty)
            }
        }
    }

    /// Checkpoints lock their buckets in rising order. A roll-up that went the same way would be one bucket ahead
    /// of a checkpoint all the time.
    @Test func `goes from the last bucket to the first`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(200)
            _ = try await database.ledger.usage.checkpoint(
                (1...200).map { try checkpoint(clinic: $0, used: 1) })
            try await database.worker.execute(
                SQL.rollupMonthInsert, [.month(try month("2026-11"))])
            try await database.owner.withConnection { writer in
                try await writer.script("UPDATE metering.usage_month SET due = true")
                try await writer.script(
                    """
                    BEGIN;
                    SELECT FROM metering.usage_month WHERE month = '2026-11-01' AND bucket = 40 FOR SHARE
                    """)
                async let rollup = database.ledger.usage.rollUp(month("2026-11"))
                try await database.waitForBlocked()
                let done = try await database.owner.ask(
                    """
                    SELECT bucket FROM metering.usage_month
                    WHERE month = '2026-11-01' AND NOT due ORDER BY bucket
                    """)
                let buckets = try done.map { try $0.int64(0) }
                #expect(buckets == Array(41...63))
                try await writer.script("COMMIT")
                #expect(try await rollup.written == 200)
            }
        }
    }
}
