import Metering
import TestSupport
import Testing

@Suite(.timed) struct `A mark` {
    static let november = Int64(1_793_491_200_000_000)
    static let december = Int64(1_796_083_200_000_000)

    static func mark(
        period: Int64 = november, epoch: UInt64 = 1, used: Int64 = 0, credited: Int64 = 0,
        version: Int64 = 1, seenAt: Int64 = 0
    ) -> Mark {
        Mark(
            period: period, epoch: Epoch(rawValue: epoch), used: used, credited: credited,
            configVersion: version, seenAt: seenAt)
    }

    @Test func `keeps the higher of each count within one period and epoch`() {
        let merged = Self.mark(used: 9, credited: 1, version: 3, seenAt: 5)
            .merged(with: Self.mark(used: 7, credited: 2, version: 2, seenAt: 6))
        #expect(merged == Self.mark(used: 9, credited: 2, version: 3, seenAt: 6))
    }

    @Test func `keeps the later epoch of one period, however low its count`() {
        let lost = Self.mark(epoch: 9, used: 1_000, seenAt: 5)
        let minted = Self.mark(epoch: 2, used: 1, version: 4, seenAt: 6)
        #expect(lost.merged(with: minted) == minted)
        #expect(minted.merged(with: lost) == minted)
    }

    @Test func `keeps the later period, however late the earlier one was seen`() {
        let old = Self.mark(period: Self.november, used: 1_000, version: 7, seenAt: 9)
        let new = Self.mark(period: Self.december, epoch: 2, used: 1, version: 2, seenAt: 8)
        let expected = Self.mark(period: Self.december, epoch: 2, used: 1, version: 7, seenAt: 8)
        #expect(old.merged(with: new) == expected)
        #expect(new.merged(with: old) == expected)
    }

    @Test func `merging is commutative and repeating changes nothing`() {
        let seed = Seed.current("merging is commutative and repeating changes nothing")
        var random = SplitMix64(seed: seed)
        for _ in 0..<2_000 {
            let (left, right) = (Self.any(&random), Self.any(&random))
            let merged = left.merged(with: right)
            #expect(merged == right.merged(with: left), "seed \(seed)")
            #expect(merged.merged(with: left) == merged, "seed \(seed)")
            #expect(merged.merged(with: merged) == merged, "seed \(seed)")
        }
    }

    @Test func `nets what is used and credited, and says when that has no number`() {
        #expect(Self.mark(used: 10, credited: 3).net == 7)
        #expect(Self.mark(used: 3, credited: 10).net == -7)
        #expect(Self.mark(used: 0, credited: .max).net == -.max)
        #expect(Self.mark(used: .max, credited: -1).net == nil)
    }

    @Test func `becomes a checkpoint of the month of its period`() throws {
        let clinic = ClinicID(high: 1, low: 2)
        let row = Self.mark(epoch: 7, used: 9, credited: 2, seenAt: 5).checkpoint(of: clinic)
        #expect(
            row
                == UsageCheckpoint(
                    month: try #require(Month("2026-11")), clinic: clinic,
                    epoch: Epoch(rawValue: 7), used: 9, credited: 2, observedAt: 5))
        #expect(Self.mark(period: -1).checkpoint(of: clinic) == nil)
    }

    private static func any(_ random: inout SplitMix64) -> Mark {
        mark(
            period: random.pick([november, december]), epoch: random.pick([1, 2]),
            used: .random(in: 0...3, using: &random), credited: .random(in: 0...3, using: &random),
            version: .random(in: 1...3, using: &random), seenAt: .random(in: 0...3, using: &random))
    }
}

@Suite(.timed) struct `Usage checkpoint` {
    @Test func `one row for each key, with the highest of each number, sorted`() throws {
        let (october, november) = (
            try #require(Month("2026-10")), try #require(Month("2026-11"))
        )
        func row(_ month: Month, _ clinic: UInt64, _ epoch: UInt64, _ used: Int64, _ seen: Int64)
            -> UsageCheckpoint
        {
            UsageCheckpoint(
                month: month, clinic: ClinicID(high: 0, low: clinic),
                epoch: Epoch(rawValue: epoch), used: used, credited: 10 - used, observedAt: seen)
        }
        let merged = UsageCheckpoint.merged([
            row(november, 1, 5, 4, 1), row(november, 1, 1 << 63, 1, 1), row(october, 2, 5, 1, 1),
            row(november, 1, 5, 3, 2), row(october, 1, 5, 1, 1),
        ])
        var raised = row(november, 1, 5, 4, 2)
        raised.credited = 7
        // 1 << 63 is negative as a BIGINT, so it stands first, as the table has it.
        #expect(
            merged == [
                row(october, 1, 5, 1, 1), row(october, 2, 5, 1, 1), row(november, 1, 1 << 63, 1, 1),
                raised,
            ])
    }

    @Test func `order, grouping and repetition do not matter`() throws {
        let seed = Seed.current("order, grouping and repetition do not matter")
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            let rows = (0..<Int.random(in: 0...20, using: &random)).map { _ in Self.any(&random) }
            let merged = UsageCheckpoint.merged(rows)
            let cut = Int.random(in: 0...rows.count, using: &random)
            let parts = UsageCheckpoint.merged(rows[..<cut]) + UsageCheckpoint.merged(rows[cut...])
            #expect(UsageCheckpoint.merged(parts) == merged, "seed \(seed)")
            let shuffled = rows.shuffled(using: &random)
            #expect(UsageCheckpoint.merged(shuffled) == merged, "seed \(seed)")
            #expect(UsageCheckpoint.merged(merged + rows) == merged, "seed \(seed)")
            #expect(Set(merged.map(\.key)) == Set(rows.map(\.key)), "seed \(seed)")
            #expect(merged.map(\.key) == merged.map(\.key).sorted(), "seed \(seed)")
            for row in merged {
                let same = rows.filter { $0.key == row.key }
                #expect(row.used == same.map(\.used).max(), "seed \(seed)")
                #expect(row.credited == same.map(\.credited).max(), "seed \(seed)")
                #expect(row.observedAt == same.map(\.observedAt).max(), "seed \(seed)")
            }
        }
    }

    private static func any(_ random: inout SplitMix64) -> UsageCheckpoint {
        UsageCheckpoint(
            month: random.pick([Month.first, Month.last]),
            clinic: ClinicID(high: random.pick([0, .max]), low: random.pick([0, 1])),
            epoch: Epoch(rawValue: random.pick([1, 2, .max])),
            used: .random(in: 0...9, using: &random), credited: .random(in: 0...9, using: &random),
            observedAt: .random(in: 0...9, using: &random))
    }
}
