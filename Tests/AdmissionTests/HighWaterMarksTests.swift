import Metering
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

@Suite(.timed) struct `The marks of marks` {
    private let clinic = ClinicID(high: 1, low: 1)

    private func mark(_ epoch: UInt64, used: Int64, at time: Int64, period: Int64 = 0) -> Mark {
        Mark(
            period: period, epoch: Epoch(rawValue: epoch), used: used, credited: 0,
            configVersion: 1, seenAt: time)
    }

    @Test func `gives each rise to the ledger once`() {
        let marks = HighWaterMarks()
        marks.record(mark(1, used: 3, at: 10), of: clinic)
        marks.record(mark(1, used: 2, at: 9), of: clinic)
        #expect(marks.takeOpen(limit: 10).map(\.mark.used) == [3])
        #expect(marks.takeOpen(limit: 10).isEmpty)
        marks.record(mark(1, used: 3, at: 11), of: clinic)
        #expect(marks.takeOpen(limit: 10).isEmpty)
        #expect(marks.mark(of: clinic)?.used == 3)
    }

    @Test func `keeps the count of an epoch that ended`() {
        let marks = HighWaterMarks()
        marks.record(mark(1, used: 3, at: 10), of: clinic)
        marks.record(mark(2, used: 1, at: 20), of: clinic)
        marks.record(mark(1, used: 4, at: 11), of: clinic)
        let taken = marks.takeOpen(limit: 10).map {
            [$0.mark.epoch.rawValue, UInt64($0.mark.used)]
        }
        #expect(Set(taken) == [[1, 4], [2, 1]])
    }

    /// A Redis that came back empty may have a clock behind the lost one: only what arrives last can tell
    /// which count it is at.
    @Test func `passes the mark that arrived last, whatever its clock says`() {
        let marks = HighWaterMarks()
        marks.record(mark(1, used: 3, at: 90, period: 7), of: clinic)
        marks.record(mark(2, used: 1, at: 20, period: 5), of: clinic)
        #expect(marks.mark(of: clinic)?.epoch == Epoch(rawValue: 2))
        #expect(marks.takeOpen(limit: 10).count == 2)
    }

    @Test func `takes back what could not be written`() {
        let marks = HighWaterMarks()
        marks.record(mark(1, used: 3, at: 10), of: clinic)
        let taken = marks.takeOpen(limit: 10)
        marks.record(mark(1, used: 5, at: 12), of: clinic)
        marks.putBack(taken)
        #expect(marks.takeOpen(limit: 10).map(\.mark.used) == [5])
        marks.putBack(taken)
        #expect(marks.takeOpen(limit: 10).map(\.mark.used) == [5])
    }

    /// Whatever is recorded, taken, lost on the way and put back: the ledger ends with the highest of each.
    @Test func `loses nothing in any order`() async {
        let name = "marks in any order"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 10)
        while await box.hasTime {
            let marks = HighWaterMarks()
            var highest: [UInt64: Int64] = [:]
            var ledger: [UInt64: Int64] = [:]
            for step in 0..<60 {
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let taken = marks.takeOpen(limit: 5)
                    if Bool.random(using: &random) {
                        marks.putBack(taken)
                    } else {
                        for (_, mark, _) in taken {
                            ledger[mark.epoch.rawValue] = max(
                                ledger[mark.epoch.rawValue] ?? 0, mark.used)
                        }
                    }
                }
                let epoch = UInt64.random(in: 1...4, using: &random)
                let used = Int64.random(in: 1...50, using: &random)
                highest[epoch] = max(highest[epoch] ?? 0, used)
                marks.record(
                    mark(
                        epoch, used: used, at: Int64(step),
                        period: .random(in: 0...0, using: &random)),
                    of: clinic)
            }
            for (_, mark, _) in marks.takeOpen(limit: 5) {
                ledger[mark.epoch.rawValue] = max(ledger[mark.epoch.rawValue] ?? 0, mark.used)
            }
            #expect(ledger == highest)
        }
        box.report()
    }

    @Test func `drops clinics that the ledger knows when it is full`() {
        let marks = HighWaterMarks(clinicsMax: 2)
        for number in 1...5 {
            marks.record(mark(1, used: 1, at: 1), of: ClinicID(high: 0, low: UInt64(number)))
        }
        #expect(marks.takeOpen(limit: 100).count == 5)
        _ = marks.takeOpen(limit: 1)
        let kept = (1...5).filter { marks.mark(of: ClinicID(high: 0, low: UInt64($0))) != nil }
        #expect(kept.count == 2)
    }
}
