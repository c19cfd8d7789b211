import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing

/// The whole of the promise in memory: highest count of each key, net summed by clinic and month.
private struct Model {
    private var held: [UsageCheckpoint.Key: (used: Int64, credited: Int64)] = [:]

    mutating func take(_ row: UsageCheckpoint) {
        let old = held[row.key] ?? (0, 0)
        held[row.key] = (max(old.used, row.used), max(old.credited, row.credited))
    }

    /// `month clinic units`, in order.
    var usage: [String] {
        var sums: [String: Int64] = [:]
        for (key, counts) in held {
            sums["\(key.month) \(key.clinic)", default: 0] += counts.used - counts.credited
        }
        return sums.map { "\($0.key) \($0.value)" }.sorted()
    }
}

@Suite(.timed) struct `Ledger and its model` {
    @Test func `agree after any order, repetition and mixture of marks and roll-ups`() async throws
    {
        try await TestDatabase.lend { database in
            var random = SplitMix64(seed: Seed.current("ledger model"))
            var box = TimeBox("ledger model")
            try await database.makeClinics(4)
            while await box.hasTime {
                try await database.owner.script(
                    """
                    DELETE FROM metering.usage_checkpoint; DELETE FROM metering.usage_month;
                    DELETE FROM api_usage;
                    """)
                var model = Model()
                let sent = try Self.marks(using: &random)
                for row in sent { model.take(row) }
                var waiting = (sent + sent.prefix(sent.count / 2)).shuffled(using: &random)
                while !waiting.isEmpty {
                    let size = Int.random(in: 1...40, using: &random)
                    let outcome = try await database.ledger.usage.checkpoint(
                        Array(waiting.prefix(size)))
                    #expect(outcome.quarantined.isEmpty)
                    waiting.removeFirst(min(size, waiting.count))
                    if Int.random(in: 0..<3, using: &random) == 0 {
                        _ = try await database.ledger.usage.rollUpDue()
                    }
                }
                _ = try await database.ledger.usage.rollUpDue()
                let rows = try await database.owner.ask(
                    """
                    SELECT to_char(month, 'YYYY-MM') || ' ' || clinic_id || ' ' || api_calls AS line
                    FROM api_usage
                    """)
                #expect(try rows.map { try $0.text("line") }.sorted() == model.usage)
            }
            box.report()
        }
    }

    /// Rising counts of so few clinics, epochs and months that several stories share a key.
    private static func marks(using random: inout SplitMix64) throws -> [UsageCheckpoint] {
        var marks: [UsageCheckpoint] = []
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            let clinic = Int.random(in: 1...4, using: &random)
            let epoch = UInt64.random(in: 1...2, using: &random) << 62 | 5
            let month = Int.random(in: 10...11, using: &random)
            var (used, credited): (Int64, Int64) = (0, 0)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                used += Int64.random(in: 0...1_000, using: &random)
                credited += Int64.random(in: 0...(used - credited), using: &random)
                marks.append(
                    try checkpoint(
                        clinic: clinic, month: month, epoch: epoch, used: used, credited: credited))
            }
        }
        return marks
    }
}
