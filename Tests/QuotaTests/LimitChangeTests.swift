import Metering
import TestSupport
import Testing

@testable import Quotas

@Suite(.timed) struct `A changed rate limit` {
    private func limit(_ rate: Int64, burst: Int64) throws -> RateLimit {
        try #require(
            RateLimit(id: LimitID(rawValue: 4), rate: rate, per: 1_000_000, burst: burst))
    }

    @Test func `gives the difference at once when it is raised`() throws {
        var clinic = OneLimit(try limit(20, burst: 60))
        #expect(clinic.ask(40).limits[0].remaining == 20)
        clinic.change(to: try limit(40, burst: 100))
        #expect(clinic.peeked(1).limits[0].remaining == 60)
        #expect(clinic.peeked(1).limits[0].untilFull == 1_000_000)
        #expect(clinic.ask(60).verdict == .allowed)
        #expect(clinic.ask(1).verdict == .denied)
    }

    @Test func `keeps what was used when it is lowered, and locks no caller out for longer`() throws
    {
        var clinic = OneLimit(try limit(20, burst: 60))
        #expect(clinic.ask(40).verdict == .allowed)
        clinic.change(to: try limit(20, burst: 50))
        #expect(clinic.peeked(1).limits[0].remaining == 10)
        clinic.change(to: try limit(10, burst: 30))
        let denied = clinic.ask(1)
        #expect(denied.verdict == .denied && denied.wait == 100_000)
        #expect(denied.limits[0].untilFull == 3_000_000)
        clinic.change(to: try limit(20, burst: 60))
        #expect(clinic.peeked(1).limits[0].remaining == 30)
    }

    @Test func `changes nothing when it is sent again`() throws {
        var clinic = OneLimit(try limit(3, burst: 7))
        _ = clinic.ask(2)
        clinic.now += 100_001
        let before = clinic.peeked(1).limits
        for _ in 0..<5 { clinic.change(to: try limit(3, burst: 7)) }
        #expect(clinic.peeked(1).limits == before)
    }

    /// What remains moves by the difference of the bursts, and never below none.
    @Test func `moves what remains by the difference, whatever the limits`() async throws {
        let name = "changed limits"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 20)
        while await box.hasTime {
            var old = try #require(Self.random(using: &random))
            var clinic = OneLimit(old)
            for _ in 0..<50 {
                clinic.now +=
                    [0, 1, old.emission / 3, old.emission, old.tolerance / 2]
                    .randomElement(using: &random) ?? 0
                let cost = Int64.random(in: 1...min(old.burst, 1_000_000), using: &random)
                _ = clinic.ask(cost)
                if Int.random(in: 0..<20, using: &random) == 0 {
                    clinic.now -= .random(in: 0...5_000_000, using: &random)
                }
                let before = clinic.peeked(1).limits[0].remaining
                let new = try #require(Self.random(using: &random))
                clinic.change(to: new)
                let after = clinic.peeked(1).limits[0]
                #expect(after.remaining == max(0, before + new.burst - old.burst))
                #expect(after.untilFull <= new.tolerance)
                old = new
            }
        }
        box.report()
    }

    /// From a unit a microsecond to one in years.
    private static func random(using random: inout SplitMix64) -> RateLimit? {
        let (span, size) = (
            Int.random(in: 0...46, using: &random), Int.random(in: 0...30, using: &random)
        )
        let emission = Int64.random(in: 1...(1 << span), using: &random)
        let most = min(RateLimit.toleranceMax / emission, 1 << size)
        let burst = Int64.random(in: 1...most, using: &random)
        return RateLimit(
            id: LimitID(rawValue: 4), emission: emission, tolerance: emission * burst)
    }
}
