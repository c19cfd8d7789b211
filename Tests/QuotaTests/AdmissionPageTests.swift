import FoundationEssentials
import Metering
import Testing
import TestSupport

@testable import Quotas
import Values

/// The numbers of docs/admission.md: they follow from the limits, and a greedy caller gets exactly them.
@Suite(.timed) struct `The page on admission` {
    /// One line of its table of rate limits.
    private struct Row {
        let limit: RateLimit
        let rate, per: Int64
        /// Time of a unit, most in a second, a minute and a day, and how many a day has too few.
        let numbers: [Int64]
    }

    private static func rows() throws -> [Row] {
        let page = try String(
            contentsOfFile: ProjectRoot.path + "/docs/admission.md", encoding: .utf8)
        let start = try #require(page.firstRange(of: "| a unit takes"))
        return try page[start.lowerBound...].split(separator: "\n").dropFirst(2)
            .prefix { $0.hasPrefix("|") }
            .map { line in
                let cells = line.split(separator: "|").map {
                    $0.filter { $0 != "," && $0 != " " }
                }
                let numbers = cells.map { Int64($0) }
                let per = try #require(Duration(text: cells[1])).wholeMicroseconds
                let (rate, burst) = (try #require(numbers[0]), try #require(numbers[2]))
                let limit = try #require(
                    RateLimit(id: LimitID(rawValue: 4), rate: rate, per: per, burst: burst))
                return Row(
                    limit: limit, rate: rate, per: per,
                    numbers: try numbers[3...].map { try #require($0) })
            }
    }

    private static let second: Int64 = 1_000_000
    private static let minute = 60 * second
    private static let day = 1_440 * minute

    @Test func `says what follows from each limit`() throws {
        let rows = try Self.rows()
        #expect(rows.count >= 8)
        for row in rows {
            let limit = row.limit
            let written = row.rate * (Self.day / row.per)
            #expect(
                row.numbers == [
                    limit.emission, limit.mostAdmitted(in: Self.second),
                    limit.mostAdmitted(in: Self.minute), limit.mostAdmitted(in: Self.day),
                    written - (limit.mostAdmitted(in: Self.day) - limit.burst),
                ])
        }
    }

    @Test func `says what a greedy caller gets`() throws {
        for row in try Self.rows() where row.numbers[2] <= 2_000 {
            var clinic = OneLimit(row.limit)
            let start = clinic.now
            var (admitted, inSecond) = (Int64(0), Int64(0))
            while clinic.now - start <= Self.minute {
                admitted += clinic.ask(min(row.limit.burst, 1_000_000), .atMost).units
                if clinic.now - start <= Self.second { inSecond = admitted }
                clinic.now += row.limit.emission
            }
            #expect([inSecond, admitted] == Array(row.numbers[1...2]))
        }
    }

    @Test func `says that a lost key gives one more burst, and force no debt`() throws {
        let limit = try #require(
            RateLimit(id: LimitID(rawValue: 4), rate: 20, per: Self.second, burst: 60))
        var clinic = OneLimit(limit)
        #expect(clinic.ask(60).verdict == .allowed && clinic.ask(1).verdict == .denied)
        clinic.lose()
        #expect(clinic.ask(60).verdict == .allowed && clinic.ask(1).verdict == .denied)
        #expect(clinic.ask(1_000_000, .force).verdict == .allowed)
        #expect(clinic.peeked(1).wait == limit.emission)
    }

    @Test func `says that midnight is between two quotas`() throws {
        let end: Int64 = 1_800_000_000_000_000
        let configuration = CounterTerms(
            flags: StandingFlags(rawValue: 0), version: 1, period: end - 1_000_000, periodEnd: end,
            nextPeriodEnd: end + 1_000_000, quota: 5, nextQuota: 5, limits: [], base: 0,
            basePeriod: 0, baseEpoch: .none)
        var stored = rules(at: end - 10).configure(nil, configuration, nonce: 1).stored
        for time in [end - 1, end] {
            for (cost, verdict) in [(5, CounterReply.Verdict.allowed), (1, .denied)] {
                let outcome = rules(at: time).check(
                    stored,
                    CheckRequest(limit: 0, mode: .consume, cost: Int64(cost), mark: nil, nonce: 0))
                #expect(outcome.reply.verdict == verdict)
                stored = outcome.stored ?? stored
            }
        }
    }

    private func rules(at now: Int64) -> CounterRules {
        CounterRules(now: now, stamp: 7) { _, _, _, nonce in Epoch(rawValue: nonce) }
    }
}
