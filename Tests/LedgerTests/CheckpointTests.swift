import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Checkpoints` {
    @Test func `rise to the highest count and never fall`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            let first = try await ledger.usage.checkpoint([
                checkpoint(clinic: 1, used: 10, credited: 2), checkpoint(clinic: 2, used: 5),
                checkpoint(clinic: 1, used: 8, credited: 3),
            ])
            #expect(first.written == 2)
            #expect(first.unchanged == 0)
            let second = try await ledger.usage.checkpoint([
                checkpoint(clinic: 1, used: 9, credited: 1), checkpoint(clinic: 2, used: 6),
            ])
            #expect(second.written == 1)
            #expect(second.unchanged == 1)
            // Lower in one number and higher in the other: only the higher one moves.
            let third = try await ledger.usage.checkpoint([
                checkpoint(clinic: 1, used: 9, credited: 4)
            ])
            #expect(third.written == 1)
            let rows = try await database.owner.ask(
                "SELECT used, credited FROM metering.usage_checkpoint ORDER BY clinic_id")
            #expect(try rows.map { [try $0.int64(0), try $0.int64(1)] } == [[10, 4], [6, 0]])
        }
    }

    @Test func `are confirmed only when the ledger is at least as high`() async throws {
        try await TestDatabase.lend { database in
            _ = try await database.ledger.usage.checkpoint([
                checkpoint(clinic: 1, used: 10, credited: 2)
            ])
            let lower = try checkpoint(clinic: 1, used: 9, credited: 2)
            let same = try checkpoint(clinic: 1, used: 10, credited: 2)
            let higher = try checkpoint(clinic: 1, used: 11, credited: 2)
            let credited = try checkpoint(clinic: 1, used: 10, credited: 3)
            let otherEpoch = try checkpoint(clinic: 1, epoch: 2, used: 1)
            let confirmed = try await database.ledger.usage.confirmed([
                higher, lower, credited, otherEpoch, same,
            ])
            #expect(confirmed == [lower, same])
        }
    }

    @Test func `that the ledger refuses go to quarantine and the rest goes on`() async throws {
        try await TestDatabase.lend { database in
            var rows = try (1...200).map { try checkpoint(clinic: $0, used: Int64($0)) }
            rows[17].credited = 1_000
            rows[90].used = -1
            rows[91].epoch = .none
            rows[150].used = 9_007_199_254_740_992
            for times in 1...2 {
                let outcome = try await database.ledger.usage.checkpoint(rows)
                #expect(outcome.confirmed.count == 196)
                #expect(outcome.written == (times == 1 ? 196 : 0))
                let reasons = outcome.quarantined.map { "\($0.checkpoint.used) \($0.reason)" }
                #expect(
                    Set(reasons) == [
                        "18 23514 check_violation usage_checkpoint_credited_check",
                        "-1 23514 check_violation usage_checkpoint_credited_check",
                        "92 23514 check_violation usage_checkpoint_epoch_check",
                        "9007199254740992 23514 check_violation usage_checkpoint_used_check",
                    ])
            }
            let kept = try await database.owner.ask(
                "SELECT count(*), min(times), max(times) FROM metering.quarantine")
            #expect(try (0..<3).map { try kept[0].int64(.index($0)) } == [4, 2, 2])
        }
    }

    @Test func `that stay refused while they rise are one row of quarantine`() async throws {
        try await TestDatabase.lend { database in
            for used in [5, 9, 7] as [Int64] {
                try await database.ledger.usage.quarantine(
                    checkpoint(clinic: 1, used: used, credited: 10 - used), reason: "too fast")
            }
            try await database.ledger.usage.quarantine(
                [
                    checkpoint(clinic: 2, used: 1, credited: 1), checkpoint(clinic: 1, used: 8),
                    checkpoint(clinic: 2, used: 3), checkpoint(clinic: 2, epoch: 2, used: 4),
                ], reason: "too fast")
            try await database.ledger.usage.quarantine(checkpoint(clinic: 1, used: 2), reason: "")
            try await database.ledger.usage.quarantine([], reason: "nothing")
            let kept = try await database.owner.ask(
                """
                SELECT concat_ws(' ', reason, epoch, used, credited, times)
                FROM metering.quarantine ORDER BY clinic_id, epoch, reason
                """)
            #expect(
                try kept.map { try $0.text(0) } == [
                    "too fast 1 9 5 4", "unsaid 1 2 0 1", "too fast 1 3 1 2", "too fast 2 4 0 1",
                ])
        }
    }

    @Test func `are written again when the answer to their commit is lost`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 2, used: 1)])
            try await database.loseFirstCommit(of: "metering.usage_checkpoint")
            let row = try checkpoint(clinic: 1, used: 7)
            let outcome = try await database.ledger.usage.checkpoint([row])
            #expect(outcome.written == 1)
            #expect(outcome.confirmed == [row])
            #expect(try await database.commits() == 2)
            #expect(try await database.ledger.usage.confirmed([row]) == [row])
        }
    }

    @Test func `whose commit is never answered are not said to be kept`() async throws {
        try await TestDatabase.lend { database in
            try await database.loseFirstCommit(of: "metering.usage_checkpoint", and: 99)
            let row = try checkpoint(clinic: 1, used: 7)
            await #expect(throws: LedgerError.store(.commitUnknown)) {
                try await database.ledger.usage.checkpoint([row])
            }
            #expect(try await database.commits() == 4)
            #expect(try await database.ledger.usage.confirmed([row]) == [])
        }
    }

    @Test func `written side by side by many tasks hold the highest of each`() async throws {
        try await TestDatabase.lend { database in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 1...6 {
                    group.addTask {
                        for round in 1...5 {
                            let rows = try (1...100).map { clinic in
                                try checkpoint(
                                    clinic: clinic, used: Int64(round * 10 + writer + clinic))
                            }
                            _ = try await database.ledger.usage.checkpoint(
                                round.isMultiple(of: 2) ? rows : rows.reversed())
                        }
                    }
                    group.addTask {
                        for _ in 1...3 { _ = try await database.ledger.usage.rollUpDue() }
                    }
                }
                try await group.waitForAll()
            }
            let wrong = try await database.owner.ask(
                """
                SELECT count(*), min(used), max(used), sum(used)::bigint
                FROM metering.usage_checkpoint
                """)
            #expect(try (0..<4).map { try wrong[0].int64(.index($0)) } == [100, 57, 156, 10_650])
        }
    }

    @Test func `of a month without a table of its own are kept too`() async throws {
        try await TestDatabase.lend { database in
            var row = try checkpoint(clinic: 1, used: 7)
            row.month = try month("2031-05")
            _ = try await database.ledger.usage.checkpoint([row])
            #expect(try await database.ledger.usage.confirmed([row]) == [row])
            // Its month stays where it is; the months around it get their tables all the same.
            _ = try await database.ledger.usage.prepareMonths(ahead: 36)
            #expect(try await database.ledger.usage.confirmed([row]) == [row])
        }
    }

    @Test func `of more rows than one transaction takes are all written`() async throws {
        try await TestDatabase.lend { database in
            let rows = try (1...12_345).map { try checkpoint(clinic: $0, used: Int64($0)) }
            let outcome = try await database.ledger.usage.checkpoint(rows)
            #expect(outcome.written == 12_345)
            #expect(try await database.ledger.usage.confirmed(rows).count == 12_345)
        }
    }
}
