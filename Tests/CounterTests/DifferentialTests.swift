import Counters
import Metering
import Quotas
import Redis
import Testing
import TestSupport

@Suite(.timed, .serialized) struct `The function library and the rules in Swift` {
    @Test func `answer and store the same bytes for random steps`() async throws {
        let name = "library = rules"
        try await SteeredRedis.lend { redis in
            let seed = Seed.current(name)
            var box = TimeBox(name)
            var random = SplitMix64(seed: seed)
            var seen: Set<CounterReply.Verdict> = []
            var cases: Set<Case> = []
            while await box.hasTime {
                var story = Story(
                    redis: redis, source: StepSource(random: SplitMix64(seed: random.next())))
                try await story.run(steps: 200)
                seen.formUnion(story.seen)
                cases.formUnion(story.cases)
                if story.hasFailed { break }
            }
            box.report()
            // A verdict that never came would not be tested; some take a few dozen stories to come.
            if box.turns > 100 {
                let all = Set((1...13).compactMap(CounterReply.Verdict.init(rawValue:)))
                #expect(all.subtracting(seen) == [])
                #expect(Set(Case.allCases).subtracting(cases) == [])
            }
        }
    }
}

/// What can be true of a check and must have been seen.
private enum Case: CaseIterable {
    case peekDenied, consumed, forcedInSpite, forcedWithoutSuchLimit, forcedWhenEnded,
        refusedWhenGone
    case admittedAll, admittedSome, admittedNone
    case shadowOverruled, shadowQuotaOverruled, shadowAdmittedSome, shadowBesideDenial
    case inTime

    static func all(of request: CheckRequest, _ reply: CounterReply) -> Set<Case> {
        var cases: Set<Case> = []
        let isAllowed = reply.verdict == .allowed
        let isDenied = reply.verdict == .denied
        let isMany = request.mode == .atMost && request.count > 1
        let said: [(Case, Bool)] = [
            (.peekDenied, request.mode == .peek && isDenied),
            (.consumed, request.mode == .consume && isAllowed),
            (.forcedInSpite, request.mode == .force && isAllowed && reply.mask & 0x1FF != 0),
            (.forcedWithoutSuchLimit, request.mode == .force && isAllowed && request.limit == 9),
            (
                .forcedWhenEnded,
                request.mode == .force && isAllowed && reply.flags.access == .ended
            ),
            (.refusedWhenGone, request.mode == .force && isDenied && reply.flags.access == .gone),
            (.admittedAll, isMany && reply.admitted == request.count),
            (.admittedSome, isMany && isAllowed && reply.admitted < request.count),
            (.admittedNone, isMany && isDenied),
            (.shadowOverruled, isAllowed && reply.wouldDeny & 0xFF != 0),
            (.shadowQuotaOverruled, isAllowed && reply.wouldDeny & CounterReply.quotaBit != 0),
            (.shadowAdmittedSome, isMany && reply.clean > 0 && reply.clean < reply.admitted),
            (.shadowBesideDenial, isDenied && reply.wouldDeny != 0),
            (.inTime, isAllowed && request.notAfter > 0),
        ]
        for (one, isTrue) in said where isTrue { cases.insert(one) }
        return cases
    }
}

/// One clinic's life, told to Redis and to the rules at once.
private struct Story {
    let redis: SteeredRedis
    var source: StepSource
    var stored: [UInt8]?
    var history: [[UInt8]?] = []
    var marks: [Mark] = []
    var hasFailed = false
    var seen: Set<CounterReply.Verdict> = []
    var cases: Set<Case> = []
    private let clinic = ClinicID(high: 0x2f1a_8b1e_53c9_4d0f, low: 0x9c52_0d1f_6a3b_7c11)

    init(redis: SteeredRedis, source: StepSource) {
        self.redis = redis
        self.source = source
    }

    mutating func run(steps: Int) async throws {
        try await redis.replace(clinic, with: nil)
        try await redis.set(now: source.now)
        try await redis.set(replicationID: source.server)
        // The stamp is held for 100 ms of the library's clock: a step back makes it void.
        try await forgetStamp()
        for number in 0..<steps where !hasFailed {
            let step = source.next(
                after: stored.flatMap(CounterValue.init(decoding:)), marks: marks)
            try await take(step, number)
        }
    }

    private mutating func take(_ step: Step, _ number: Int) async throws {
        let rules = CounterRules(
            now: source.now, stamp: Minting.stamp(source.server), mint: Minting.mint)
        switch step {
        case .check(let request):
            let outcome = rules.check(stored, request)
            let function = request.mode == .peek ? "metering_peek" : "metering_check"
            let reply = try await redis.call(function, clinic, request.encoded).elements?.first?
                .bytes
            compare(step, number, outcome.reply.encoded, reply)
            seen.insert(outcome.reply.verdict)
            cases.formUnion(Case.all(of: request, outcome.reply))
            if outcome.stored != nil { marks.append(outcome.reply.mark) }
            keep(outcome.stored)
        case .configure(let configuration, let nonce):
            let outcome = rules.configure(stored, configuration, nonce: nonce)
            let reply = try await redis.call(
                "metering_configure", clinic, configuration.encoded(nonce: nonce))
            compare(step, number, outcome.reply.encoded, reply.bytes)
            seen.insert(outcome.reply.verdict)
            keep(outcome.stored)
        case .settle(let entries):
            let outcome = rules.settle(stored, entries)
            let reply = try await redis.call(
                "metering_settle", clinic, entries.flatMap(\.confirmation))
            compare(step, number, "\(outcome.marked)", reply.int.map { "\($0)" })
            keep(outcome.stored)
        case .forget(let running):
            let may = rules.mayForget(stored, confirmed: running)
            let reply = try await redis.call("metering_forget", clinic, running.confirmation)
            compare(step, number, may ? "1" : "0", reply.int.map { "\($0)" })
            if may { stored = nil }
        case .lose(let back):
            // A damaged value stays until it is lost.
            stored = back.flatMap { history.dropLast($0).last } ?? nil
            try await redis.replace(clinic, with: stored)
        case .damage:
            stored = (stored ?? []) + [0]
            try await redis.replace(clinic, with: stored)
        case .turnClock(let time):
            try await redis.set(now: time)
            try await forgetStamp()
        case .newServer(let name):
            try await redis.set(replicationID: name)
            try await forgetStamp()
        }
        compare(step, number, stored, try await redis.raw(clinic))
    }

    /// Makes the library read the replication id again: a write call at an earlier time voids what it holds.
    private func forgetStamp() async throws {
        try await redis.set(now: 1)
        _ = try await redis.call("metering_check", ClinicID(high: 0, low: 0), [])
        try await redis.set(now: source.now)
    }

    private mutating func keep(_ bytes: [UInt8]?) {
        guard let bytes else { return }
        history.append(stored)
        stored = bytes
    }

    private mutating func compare<Value: Equatable>(
        _ step: Step, _ number: Int, _ rules: Value?, _ library: Value?
    ) {
        #expect(rules == library, "step \(number): \(step)")
        hasFailed = hasFailed || rules != library
    }
}

extension CounterRules {
    /// The twin of `metering_forget`: whether the value may be deleted, because PostgreSQL confirmed this running
    /// count and every closed one. Only the function deletes values, so this stands with its test.
    fileprivate func mayForget(_ stored: [UInt8]?, confirmed: CounterValue.Closed) -> Bool {
        guard let stored, let value = CounterValue(decoding: stored) else { return false }
        return value.period == confirmed.period && value.epoch == confirmed.epoch
            && value.used == confirmed.used && value.credited == confirmed.credited
            && value.closed.allSatisfy(\.isSettled)
    }
}
