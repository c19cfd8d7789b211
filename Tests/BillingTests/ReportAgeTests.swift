import Billing
import Metering
import TestSupport
import Testing

@Suite(.timed) struct `Report age` {
    static let rolledUp = Int64(1_795_428_007_000_000)

    @Test(
        arguments: [
            (0, "0 s"), (42, "42 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"),
            (7_200, "2 h"),
            (172_799, "47 h"), (172_800, "2 d"), (31_536_000, "365 d"), (-5, "0 s"),
        ] as [(Int64, String)])
    func `tells the age in one unit`(seconds: Int64, age: String) throws {
        let report = ReportAge(
            asOf: UTCTime(microseconds: Self.rolledUp),
            madeAt: try #require(UTCTime(microseconds: Self.rolledUp + seconds * 1_000_000)))
        #expect(report.description == "as of 2026-11-23 10:00:07 UTC, \(age) old")
    }

    @Test func `does not round up`() throws {
        let report = ReportAge(
            asOf: UTCTime(microseconds: Self.rolledUp),
            madeAt: try #require(UTCTime(microseconds: Self.rolledUp + 1_999_999)))
        #expect(report.description == "as of 2026-11-23 10:00:07 UTC, 1 s old")
    }

    @Test func `says when nothing was rolled up`() throws {
        let report = ReportAge(
            asOf: nil, madeAt: try #require(UTCTime(microseconds: Self.rolledUp)))
        #expect(report.description == "no roll-up of this month yet")
    }

    @Test(
        arguments: [(-5, true), (0, true), (600, true), (601, false), (1_000_000, false)]
            as [(Int64, Bool)])
    func `is young enough up to the age that is asked for`(seconds: Int64, isYoung: Bool) throws {
        let report = ReportAge(
            asOf: UTCTime(microseconds: Self.rolledUp),
            madeAt: try #require(UTCTime(microseconds: Self.rolledUp + seconds * 1_000_000)))
        #expect(report.isYounger(than: .seconds(600)) == isYoung)
        #expect(!ReportAge(asOf: nil, madeAt: report.madeAt).isYounger(than: .seconds(600)))
    }
}
