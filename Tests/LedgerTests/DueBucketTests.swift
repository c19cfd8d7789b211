import DatabaseSupport
import Metering
import Postgres
import TestSupport
import Testing

@testable import Ledger

/// A count that is in the ledger and in no bucket that is due is not billed until somebody calls again.
@Suite(.timed) struct `Buckets that are due` {
    /// A roll-up held the bucket when the claim began, and marks it done before the claim gets it.
    @Test func `stay so when a roll-up ends under a claim`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let first = try checkpoint(clinic: 1, used: 1)
            _ = try await database.ledger.usage.checkpoint([first])
            try await database.owner.withConnection { rollup in
                try await rollup.script(
                    """
                    BEGIN;
                    SELECT FROM metering.usage_month WHERE due FOR UPDATE;
                    UPDATE metering.usage_month SET due = false
                    """)
                async let claimed = database.worker.transaction { connection in
                    try await connection.execute(
                        SQL.usageMonthClaim, CheckpointBatch(rows: [first][...]).keys)
                }
                try await database.waitForBlocked()
                try await rollup.script("COMMIT")
                #expect(try await claimed == 1)
            }
            #expect(try await database.dueBuckets() == 1)
        }
    }

    /// Workers that count and roll up side by side: what they are done with is billed to the last unit.
    @Test func `miss no count that comes beside roll-ups`() async throws {
        try await TestDatabase.lend { database in
            let (clinics, rounds) = (40, 60)
            try await database.makeClinics(clinics)
            try await withThrowingTaskGroup { group in
                for part in 0..<4 {
                    group.addTask {
                        for used in 1...rounds {
                            let rows = try (1...clinics).filter { ($0 + used) % 4 == part }.map {
                                try checkpoint(clinic: $0, used: Int64(used))
                            }
                            _ = try await database.ledger.usage.checkpoint(rows)
                        }
                    }
                }
                for _ in 0..<2 {
                    group.addTask {
                        for _ in 0..<rounds { _ = try await database.ledger.usage.rollUpDue() }
                    }
                }
                try await group.waitForAll()
            }
            _ = try await database.ledger.usage.rollUpDue()
            #expect(try await database.dueBuckets() == 0)
            let behind = try await database.owner.ask(
                """
                SELECT count(*) FROM metering.usage_checkpoint c
                LEFT JOIN api_usage u ON u.clinic_id = c.clinic_id AND u.month = c.month
                WHERE u.api_calls IS DISTINCT FROM c.used
                """)
            #expect(try behind[0].int64(0) == 0)
        }
    }
}

extension TestDatabase {
    fileprivate func dueBuckets() async throws -> Int64 {
        try await owner.ask("SELECT count(*) FROM metering.usage_month WHERE due")[0].int64(0)
    }
}
