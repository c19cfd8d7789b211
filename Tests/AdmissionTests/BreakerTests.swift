import TestSupport
import Testing

@testable import Admission
@testable import Quotas

@Suite(.timed) struct `The breaker` {
    private var breaker = Breaker()

    @Test mutating func `opens at five failures in a row and no sooner`() {
        for _ in 0..<4 { _ = breaker.failed(at: 0) }
        #expect(!breaker.isOpen)
        breaker.succeeded()
        for _ in 0..<4 { _ = breaker.failed(at: 0) }
        #expect(!breaker.isOpen)
        let opened = breaker.failed(at: 7)
        #expect(opened && breaker.isOpen && breaker.probeAt == 7 + Breaker.restMin)
    }

    @Test mutating func `opens when half of twenty answers fail`() {
        for round in 0..<10 {
            breaker.succeeded()
            let opened = breaker.failed(at: 0)
            #expect(opened == (round == 9))
        }
    }

    @Test mutating func `stays closed while fewer fail`() {
        for _ in 0..<200 {
            breaker.succeeded()
            breaker.succeeded()
            let opened = breaker.failed(at: 0)
            #expect(!opened)
        }
    }

    @Test mutating func `gives out one probe at a time, when it is due`() {
        open(at: 0)
        let early = breaker.takeProbe(at: Breaker.restMin - 1)
        let due = breaker.takeProbe(at: Breaker.restMin)
        let second = breaker.takeProbe(at: Breaker.restMin)
        #expect(!early && due && !second && breaker.isOpen)
    }

    @Test mutating func `rests twice as long after each failed probe, at most a second`() {
        open(at: 0)
        var now: Int64 = 0
        var rests: [Int64] = []
        for _ in 0..<6 {
            let due = breaker.probeAt ?? 0
            rests.append(due - now)
            now = due
            let taken = breaker.takeProbe(at: now)
            let closed = breaker.probed(isGood: false, at: now)
            #expect(taken && !closed)
        }
        #expect(rests == [100_000, 200_000, 400_000, 800_000, 1_000_000, 1_000_000])
    }

    @Test mutating func `closes after two good probes in a row`() {
        open(at: 0)
        var closed = [probe(isGood: true, at: 100_000), probe(isGood: false, at: 100_000)]
        let later = breaker.probeAt ?? 0
        closed += [probe(isGood: true, at: later), probe(isGood: true, at: later)]
        #expect(closed == [false, false, false, true])
        #expect(!breaker.isOpen)
    }

    @Test mutating func `closes more slowly each time that it opens soon after it closed`() {
        var now: Int64 = 0
        var needed: [Int] = []
        for _ in 0..<5 {
            needed.append(probesToClose(&now))
            now += Breaker.calm - 1
        }
        now += 1
        needed.append(probesToClose(&now))
        #expect(needed == [2, 4, 8, 16, 16, 2])
    }

    private mutating func probesToClose(_ now: inout Int64) -> Int {
        open(at: now)
        for probes in 1...100 {
            now = breaker.probeAt ?? now
            if probe(isGood: true, at: now) { return probes }
        }
        return 0
    }

    private mutating func open(at now: Int64) {
        for _ in 0..<Breaker.failuresInARow { _ = breaker.failed(at: now) }
    }

    private mutating func probe(isGood: Bool, at now: Int64) -> Bool {
        let taken = breaker.takeProbe(at: now)
        #expect(taken)
        return breaker.probed(isGood: isGood, at: now)
    }
}

@Suite(.timed) struct `The clock of the store` {
    private var clock = StoreClock()

    @Test mutating func `says nothing before its first result`() {
        #expect(clock.latest(at: 5) == nil && clock.estimate(at: 5) == nil)
        clock.learn(0, sentAt: 1, receivedAt: 2)
        clock.learn(100, sentAt: 3, receivedAt: 2)
        #expect(clock.latest(at: 5) == nil)
    }

    @Test mutating func `lies between what the trip allows`() throws {
        clock.learn(70, sentAt: 10, receivedAt: 30)
        let (latest, estimate): (Int64?, Int64?) = (clock.latest(at: 30), clock.estimate(at: 30))
        // 60 ahead and 1 of drift; 50 ahead.
        #expect(latest == Int64(91) && estimate == Int64(80))
    }

    @Test mutating func `is known better with each short trip, and worse with time`() throws {
        clock.learn(1_000_000, sentAt: 0, receivedAt: 10_000)
        let wide = try #require(clock.error(at: 10_000))
        clock.learn(1_009_900, sentAt: 10_000, receivedAt: 10_200)
        let narrow = try #require(clock.error(at: 10_200))
        #expect(narrow <= 202 && wide >= 10_000)
        #expect(try #require(clock.error(at: 60_000_000)) > narrow)
        #expect(clock.latest(at: 3_600_000_000) == nil && clock.estimate(at: 3_600_000_000) != nil)
    }

    @Test mutating func `believes a clock that was set`() {
        clock.learn(1_000_000, sentAt: 0, receivedAt: 100)
        clock.learn(9_000_000, sentAt: 200, receivedAt: 300)
        #expect(clock.estimate(at: 300) == Int64(9_000_050))
    }

    @Test mutating func `never tells a time before the true one`() {
        var random = SplitMix64(seed: Seed.current("the clock of the store"))
        let ahead: Int64 = 1_795_428_007_000_000
        var now: Int64 = 1
        for _ in 0..<20_000 {
            let asked = now
            let onTheWay = Int64.random(in: 0...20_000, using: &random)
            let back = Int64.random(in: 0...20_000, using: &random)
            now += onTheWay + back
            clock.learn(asked + onTheWay + ahead, sentAt: asked, receivedAt: now)
            now += Int64.random(in: 0...300_000, using: &random)
            if let latest = clock.latest(at: now) { #expect(latest >= now + ahead) }
        }
    }
}
