import Admission
import Counters
import Foundation
import Logging
import Metering
import NIOPosix
import Quotas
import Redis
import Synchronization

/// Makes checks as an API server does that embeds the library, and says how many and how fast.
///
///     LibraryBench REDIS-URL CONNECTIONS CALLERS SECONDS uniform|zipf|hot CLINICS tasks|calls
///
/// Configures the clinics, prints `ready`, waits for a line, makes checks for that long, prints one JSON object,
/// and waits for the end of its input, so that `scripts/bench-library` can read what it and Redis spent meanwhile.
@main struct LibraryBench {
    static func main() async throws {
        let words = CommandLine.arguments.dropFirst().map { String($0) }
        guard words.count == 7, let connections = Int(words[1]), let callers = Int(words[2]),
            let seconds = Double(words[3]), let load = Load(rawValue: words[4]),
            let count = Int(words[5]), let manner = Manner(rawValue: words[6])
        else { throw Usage() }
        var configuration = try RedisConfiguration(words[0])
        configuration.connections = connections
        configuration.commandTimeout = .seconds(5)
        let redis = RedisClient(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let counters = RedisCounterStore(redis: redis)
        try await counters.install()
        let gate = QuotaGate(counters: counters, terms: FourLimits())
        // Ids whose text ends with the number in decimal digits, as redis-benchmark makes them.
        let clinics = (0..<count).map {
            ClinicID(high: 0xBE9C_4000, low: UInt64("\($0)", radix: 16) ?? 0)
        }
        // Ids that the gate does not know are looked up by ten at most.
        for start in stride(from: 0, to: count, by: 10) {
            try await withThrowingTaskGroup { group in
                for clinic in clinics[start..<min(count, start + 10)] {
                    group.addTask { _ = try await gate.check(clinic, mode: .peek) }
                }
                try await group.waitForAll()
            }
        }
        print("ready")
        fflush(nil)
        _ = readLine()
        let round = Round(
            gate: gate, clinics: load.sequence(of: clinics),
            end: .now + .nanoseconds(Int64(seconds * 1e9)))
        let begin = ContinuousClock.now
        let before = redis.health
        let tallies =
            manner == .tasks
            ? await round.tasks(callers) : await round.calls(callers)
        let took = ContinuousClock.now - begin
        print(Report(tallies, took, before, redis.health).json)
        fflush(nil)
        while readLine() != nil {}
        await redis.close()
    }
}

struct Usage: Error, CustomStringConvertible {
    let description =
        "LibraryBench REDIS-URL CONNECTIONS CALLERS SECONDS uniform|zipf|hot CLINICS tasks|calls"
}

/// One task for each caller, or calls that complete on the event loop and begin the next one there.
enum Manner: String { case tasks, calls }

/// Which clinics are checked.
enum Load: String {
    case uniform, zipf, hot

    /// 65,536 choices, made before the clock runs. Zipf: the n-th clinic is checked 1/n as often as the first.
    func sequence(of clinics: [ClinicID]) -> [ClinicID] {
        var sums: [Double] = []
        for rank in 1...clinics.count { sums.append((sums.last ?? 0) + 1 / Double(rank)) }
        let total = sums[clinics.count - 1]
        return (0..<65_536).map { _ in
            switch self {
            case .hot: return clinics[0]
            case .uniform: return clinics[Int.random(in: 0..<clinics.count)]
            case .zipf:
                let at = Double.random(in: 0..<total)
                var range = 0..<clinics.count
                while range.count > 1 {
                    let middle = range.lowerBound + range.count / 2
                    range =
                        sums[middle - 1] <= at
                        ? middle..<range.upperBound : range.lowerBound..<middle
                }
                return clinics[range.lowerBound]
            }
        }
    }
}

/// A plan of four windows that never deny here, and a quota.
struct FourLimits: TermsSource {
    func terms(of clinic: ClinicID, at now: Int64) async throws(QuotaError) -> ClinicTerms? {
        let plan: PlanFeatures
        do {
            plan = try PlanFeatures(json: Self.plan)
        } catch {
            throw .plan(clinic, error)
        }
        guard let month = Month(containing: now) else { return nil }
        return ClinicTerms(
            version: 1, plan: plan, access: .open, month: month, ledger: [:], adjustments: 0)
    }

    func raiseVersion(of clinic: ClinicID, above version: Int64) async throws(QuotaError) {}

    private static let plan = """
        {"limits": {
        "default": {"rate": 1000000, "per": "1s", "burst": 10000000,
                    "sustained": {"rate": 100000000, "per": "1h", "burst": 1000000000}},
        "export": {"rate": 5, "per": "1m"}, "upload": {"rate": 20, "per": "1s", "burst": 60}},
        "quota": {"api_calls": 1000000000000}}
        """
}

struct Tally: Sendable {
    var allowed = 0
    var other = 0
    /// Every sixteenth call, ns.
    var times: [Int64] = []
}

struct Round: Sendable {
    let gate: QuotaGate
    let clinics: [ClinicID]
    let end: ContinuousClock.Instant

    func tasks(_ callers: Int) async -> [Tally] {
        await withTaskGroup(of: Tally.self) { group in
            for caller in 0..<callers {
                group.addTask { await call(from: caller * 7919) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func call(from start: Int) async -> Tally {
        var (tally, place) = (Tally(), start)
        while true {
            let begin = ContinuousClock.now
            if begin >= end { return tally }
            place = (place + 1) & 0xFFFF
            let answer = try? await gate.check(clinics[place])
            tally.note(answer, place, begin)
        }
    }

    func calls(_ callers: Int) async -> [Tally] {
        await withTaskGroup(of: Tally.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        let chain = Chain(round: self, place: caller * 7919, continuation)
                        chain.next()
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// One caller whose next call begins where the last one was answered.
    private final class Chain: Sendable {
        private let round: Round
        private let state: Mutex<(tally: Tally, place: Int)>
        private let continuation: CheckedContinuation<Tally, Never>

        init(round: Round, place: Int, _ continuation: CheckedContinuation<Tally, Never>) {
            self.round = round
            state = Mutex((Tally(), place))
            self.continuation = continuation
        }

        func next() {
            let begin = ContinuousClock.now
            if begin >= round.end {
                return continuation.resume(returning: state.withLock { $0.tally })
            }
            let place = state.withLock { state in
                state.place = (state.place + 1) & 0xFFFF
                return state.place
            }
            round.gate.check(Check(round.clinics[place])) { result in
                self.state.withLock { $0.tally.note(try? result.get(), place, begin) }
                self.next()
            }
        }
    }
}

extension Tally {
    mutating func note(_ answer: QuotaAnswer?, _ place: Int, _ begin: ContinuousClock.Instant) {
        if case .decided(let decision) = answer, decision.isAllowed {
            allowed += 1
        } else {
            other += 1
        }
        guard place & 15 == 0 else { return }
        let (seconds, attoseconds) = (ContinuousClock.now - begin).components
        times.append(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}

struct Report {
    let json: String

    init(_ tallies: [Tally], _ took: Duration, _ before: RedisHealth, _ after: RedisHealth) {
        let allowed = tallies.reduce(0) { $0 + $1.allowed }
        let other = tallies.reduce(0) { $0 + $1.other }
        let times = tallies.flatMap(\.times).sorted()
        let (seconds, attoseconds) = took.components
        let length = Double(seconds) + Double(attoseconds) / 1e18
        func share(_ part: Double) -> Double {
            times.isEmpty ? 0 : Double(times[Int(Double(times.count - 1) * part)]) / 1000
        }
        json = """
            {"checks": \(allowed + other), "not_allowed": \(other), "seconds": \(length), \
            "rate": \(Double(allowed + other) / length), "p50_us": \(share(0.5)), \
            "p99_us": \(share(0.99)), "calls": \(after.commands - before.commands), \
            "flushes": \(after.flushes - before.flushes)}
            """
    }
}
