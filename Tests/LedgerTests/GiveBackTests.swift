import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Units given back` {
    private let clinic = ClinicID(high: 0, low: 1)

    private func month(_ text: String) throws -> Month { try #require(Month(text)) }

    private func use(_ units: Int64, _ month: Month, _ database: TestDatabase) async throws {
        _ = try await database.ledger.usage.checkpoint([
            UsageCheckpoint(
                month: month, clinic: clinic, epoch: Epoch(rawValue: 1), used: units, credited: 0,
                observedAt: month.start)
        ])
    }

    private func adjusted(_ database: TestDatabase) async throws -> [String] {
        let rows = try await database.owner.ask(
            """
            SELECT to_char(month, 'YYYY-MM') || ' ' || units
                || coalesce(' for ' || to_char(source_month, 'YYYY-MM'), '')
            FROM metering.usage_adjustment ORDER BY id
            """)
        return try rows.map { try $0.text(.index(0)) }
    }

    @Test func `count once for their key, however often they are sent`() async throws {
        try await TestDatabase.lend { database in
            let november = try month("2026-11")
            try await use(10, november, database)
            let ledger = database.ledger
            let first = try await ledger.usage.giveBack(
                4, to: clinic, of: november, key: "refund:1", reason: "test")
            #expect(first == .written)
            for units in [4, 6] as [Int64] {
                let again = try await ledger.usage.giveBack(
                    units, to: clinic, of: november, key: "refund:1", reason: "test")
                #expect(again == .repeated(4))
            }
            #expect(try await adjusted(database) == ["2026-11 -4"])
        }
    }

    @Test func `are never more than the month used`() async throws {
        try await TestDatabase.lend { database in
            let november = try month("2026-11")
            try await use(10, november, database)
            let ledger = database.ledger
            let much = try await ledger.usage.giveBack(
                11, to: clinic, of: november, key: "refund:1", reason: "test")
            #expect(much == .moreThanUsed(10))
            let clamped = try await ledger.usage.giveBack(
                11, to: clinic, of: november, key: "hold:1", reason: "test", clamping: true)
            #expect(clamped == .written)
            let other = try await ledger.usage.giveBack(
                1, to: clinic, of: november, key: "refund:2", reason: "test")
            #expect(other == .moreThanUsed(0))
            #expect(try await adjusted(database) == ["2026-11 -10"])
        }
    }

    @Test func `of a closed month go to the running one and name the other`() async throws {
        try await TestDatabase.lend { database in
            let march = try month("2026-03")
            try await use(10, march, database)
            try await database.owner.ask(
                """
                UPDATE metering.usage_month
                SET state = 'closed', closed_at = now()
                """)
            let given = try await database.ledger.usage.giveBack(
                3, to: clinic, of: march, key: "refund:1", reason: "test")
            #expect(given == .written)
            let now = try await database.ledger.operations.databaseTime()
            let running = try #require(Month(containing: now))
            #expect(try await adjusted(database) == ["\(running) -3 for 2026-03"])
        }
    }

    @Test func `at the same time are given once and not below zero`() async throws {
        try await TestDatabase.lend { database in
            let november = try month("2026-11")
            try await use(10, november, database)
            let ledger = database.ledger
            let clinic = clinic
            let outcomes = try await withThrowingTaskGroup(of: GivenBack.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await ledger.usage.giveBack(
                            4, to: clinic, of: november, key: "refund:\(number % 4)", reason: "test"
                        )
                    }
                }
                return try await group.reduce(into: [GivenBack]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .written } == 2)
            #expect(try await adjusted(database) == ["2026-11 -4", "2026-11 -4"])
        }
    }
}
