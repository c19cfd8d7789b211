import Metering
import Quotas
import TestSupport

/// One thing that can happen to a clinic's counter.
enum Step {
    case check(CheckRequest)
    case configure(CounterTerms, nonce: UInt64)
    case settle([CounterValue.Closed])
    case forget(CounterValue.Closed)
    /// Redis lost the key, or its last writes.
    case lose(back: Int?)
    /// Somebody else wrote over the value.
    case damage
    case turnClock(to: Int64)
    case newServer(String)
}

/// Draws steps that reach every branch of the rules: small clocks and small limits, so that they collide.
struct StepSource {
    var random: SplitMix64

    init(random: SplitMix64) {
        self.random = random
    }

    var now: Int64 = 1_800_000_000_000_000
    var version: Int64 = 1
    var server = "a"
    let periodLength: Int64 = 10_000_000

    /// In a storm servers change with almost every call and nobody settles, until the ring is full.
    lazy var isStorm = Int.random(in: 0..<8, using: &random) == 0

    mutating func next(after value: CounterValue?, marks: [Mark]) -> Step {
        if isStorm, value?.periodEnd ?? 0 > now {
            guard Bool.random(using: &random) else {
                return .check(
                    CheckRequest(
                        limit: 0, mode: .consume, cost: 1, mark: nil, nonce: random.next()))
            }
            server = "storm \(random.next())"
            return .newServer(server)
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<52: return .check(request(marks))
        case 52..<66: return .configure(configuration(value), nonce: random.next())
        case 66..<72: return .settle(entries(value))
        case 72..<74: return .forget(running(value))
        case 74: return .damage
        case 75..<78:
            return .lose(
                back: Bool.random(using: &random) ? nil : .random(in: 0..<6, using: &random))
        case 78..<96:
            now +=
                [
                    0, 1, 1_000, 90_000, 1_000_000, 4_000_000, 11_000_000, 25_000_000, -500_000,
                    -3_000_000,
                ]
                .randomElement(using: &random) ?? 0
            return .turnClock(to: now)
        default:
            server = ["a", "b", "c"].randomElement(using: &random) ?? "a"
            return .newServer(server)
        }
    }

    private mutating func request(_ marks: [Mark]) -> CheckRequest {
        var mark =
            Int.random(in: 0..<4, using: &random) == 0
            ? marks.randomElement(using: &random) : marks.last
        if Int.random(in: 0..<12, using: &random) == 0 { mark?.used += 3 }
        if Int.random(in: 0..<12, using: &random) == 0 {
            mark?.epoch = Epoch(rawValue: random.next())
        }
        let modes: [CheckRequest.Mode] = [
            .consume, .consume, .consume, .atMost, .atMost, .force, .peek,
        ]
        let mode = modes.randomElement(using: &random) ?? .consume
        // A count other than 1 is wrong in the other modes.
        let hasCount = mode == .atMost || Int.random(in: 0..<40, using: &random) == 0
        let counts: [Int64] = [1, 2, 3, 7, 40, 1_000_000, 0, 1_000_001]
        let late: [Int64] = [-1, -1_000_000, 0, 1, 500_000]
        let isTimed = Int.random(in: 0..<4, using: &random) == 0
        return CheckRequest(
            limit: [0, 1, 1, 1, 7, 9].randomElement(using: &random) ?? 1, mode: mode,
            cost: [1, 1, 1, 2, 5, 60, 1_000_000, 0, 1_000_001].randomElement(using: &random) ?? 1,
            count: hasCount ? counts.randomElement(using: &random) ?? 1 : 1,
            writes: Int.random(in: 0..<4, using: &random) == 0,
            mark: Int.random(in: 0..<3, using: &random) == 0 ? nil : mark, nonce: random.next(),
            notAfter: isTimed ? now + (late.randomElement(using: &random) ?? 0) : 0)
    }

    private mutating func configuration(_ value: CounterValue?) -> CounterTerms {
        version = max(0, version + Int64.random(in: -1...2, using: &random))
        let shift = [0, 0, 0, 0, 0, -1, 1, 2].randomElement(using: &random) ?? 0
        let start = (now / periodLength + Int64(shift)) * periodLength
        let names = Bool.random(using: &random)
        let (limits, nextLimits) = (limits(), nextLimits())
        return CounterTerms(
            flags: StandingFlags(
                rawValue: [0, 0, 0, 0, 4, 1, 2, 3].randomElement(using: &random) ?? 0),
            version: version, period: start, periodEnd: start + periodLength,
            nextPeriodEnd: Bool.random(using: &random) ? 0 : start + 2 * periodLength,
            quota: quota(), nextQuota: quota(), limits: limits, nextLimits: nextLimits,
            base: .random(in: -20...20, using: &random),
            basePeriod: names ? value?.period ?? start : start,
            baseEpoch: names ? value?.epoch ?? .none : .none,
            shadow: shadow(of: limits.count, nextLimits.count))
    }

    /// Now and then it names a limit that is not there, which no counter takes.
    private mutating func shadow(of count: Int, _ nextCount: Int) -> Shadow {
        if Bool.random(using: &random) { return .none }
        let stray = Int.random(in: 0..<20, using: &random) == 0 ? 1 : 0
        return Shadow(
            limits: mask(of: count + stray), nextLimits: mask(of: nextCount + stray),
            quota: Bool.random(using: &random))
    }

    private mutating func mask(of count: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: Int.random(in: 0..<1 << count, using: &random))
    }

    private mutating func quota() -> Int64 {
        [-1, -1, 0, 30, 200].randomElement(using: &random) ?? -1
    }

    private mutating func nextLimits() -> [RateLimit] {
        Int.random(in: 0..<4, using: &random) == 0 ? limits() : []
    }

    private mutating func limits() -> [RateLimit] {
        let ids: [UInt16] = [4, 5, 28, 29, 30, 36, 37, 38]
        return ids.prefix(.random(in: 0...8, using: &random)).compactMap {
            // Now and then one of the ends of the range, where doubles could round.
            if Int.random(in: 0..<6, using: &random) == 0 {
                let emission = Int64.random(
                    in: 1...(1 << Int.random(in: 0...46, using: &random)), using: &random)
                return RateLimit(
                    id: LimitID(rawValue: $0), emission: emission,
                    tolerance: .random(in: emission...RateLimit.toleranceMax, using: &random))
            }
            return RateLimit(
                id: LimitID(rawValue: $0), rate: .random(in: 1...30, using: &random),
                per: 1_000_000,
                burst: .random(in: 1...80, using: &random))
        }
    }

    private mutating func entries(_ value: CounterValue?) -> [CounterValue.Closed] {
        (value?.closed ?? []).compactMap { entry in
            var entry = entry
            switch Int.random(in: 0..<6, using: &random) {
            case 0: return nil
            case 1: entry.used += 1
            default: break
            }
            return entry
        }
    }

    private mutating func running(_ value: CounterValue?) -> CounterValue.Closed {
        CounterValue.Closed(
            period: value?.period ?? 0, epoch: value?.epoch ?? .none,
            used: (value?.used ?? 0) + Int64.random(in: 0...1, using: &random),
            credited: value?.credited ?? 0)
    }
}
