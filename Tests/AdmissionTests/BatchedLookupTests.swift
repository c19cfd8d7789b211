import Quotas
import Synchronization
import TestSupport
import Testing

@testable import Admission

@Suite(.timed) struct `A batched lookup` {
    private typealias Lookup = BatchedLookup<Int, Int>

    /// Random tests may hold every thread for a minute.
    private static let longest = Duration.seconds(240)

    private static func pace(
        servesOldValues: Bool = false, keysMax: Int = 256, knownMax: Int = 100
    ) -> Lookup.Pace {
        Lookup.Pace(
            foundFor: .seconds(10), absentFor: .seconds(2), servesOldValues: servesOldValues,
            keysMax: keysMax, knownMax: knownMax)
    }

    @Test func `asks for many keys at once, one batch after the other`() async throws {
        let source = HeldSource(values: [1: 10, 2: 20, 3: 30], isHeld: true)
        let lookup = source.lookup(Self.pace(), patience: Self.longest)
        let first = Task { try await lookup.value(of: 1) }
        try await waitUntil("the first batch runs", within: Self.longest) {
            source.batches.count == 1
        }
        let others = [2, 3, 3, 2, 4].map { key in Task { try await lookup.value(of: key) } }
        try await waitUntil("the others wait", within: Self.longest) { lookup.waiting == 3 }
        source.release()
        #expect(try await first.value == 10)
        var values: [Int?] = []
        for other in others { values.append(try await other.value) }
        #expect(values == [20, 30, 30, 20, nil])
        #expect(source.batches == [[1], [2, 3, 4]])
    }

    @Test func `remembers a value, and for a shorter time that there is none`() async throws {
        let (source, clock) = (HeldSource(values: [1: 10]), ManualClock())
        let lookup = source.lookup(Self.pace(), clock: clock)
        func both() async throws -> [Int?] {
            [try await lookup.value(of: 1), try await lookup.value(of: 2)]
        }
        #expect(try await both() == [10, nil])
        source.set([1: 11, 2: 22])
        clock.advance(by: .milliseconds(1_999))
        #expect(try await both() == [10, nil])
        clock.advance(by: .milliseconds(1))
        #expect(try await both() == [10, 22])
        clock.advance(by: .milliseconds(8_000))
        #expect(try await both() == [11, 22])
        #expect(source.batches == [[1], [2], [2], [1]])
    }

    @Test func `serves an old value while a batch reads it again, where it may`() async throws {
        let (source, clock) = (HeldSource(values: [1: 10]), ManualClock())
        let lookup = source.lookup(Self.pace(servesOldValues: true), clock: clock)
        #expect(try await lookup.value(of: 1) == 10)
        source.fail(true)
        clock.advance(by: .seconds(3_600))
        #expect(try await lookup.value(of: 1) == 10)
        try await waitUntil("the read has failed", within: Self.longest) {
            source.batches.count == 2
        }
        #expect(try await lookup.value(of: 1) == 10)
        source.fail(false)
        source.set([:])
        try await waitUntil("the value is gone", within: Self.longest) {
            clock.advance(by: .seconds(3_600))
            return try await lookup.value(of: 1) == nil
        }
    }

    @Test func `gives a failure to every caller of the batch and remembers none`() async throws {
        let source = HeldSource(values: [1: 10], isHeld: true)
        let lookup = source.lookup(Self.pace(), patience: Self.longest)
        source.fail(true)
        let callers = (0..<5).map { _ in Task { try await lookup.value(of: 1) } }
        try await waitUntil("the batch runs", within: Self.longest) { source.batches.count == 1 }
        source.release()
        for caller in callers {
            await #expect(throws: QuotaError.termsUnavailable("a test")) {
                try await caller.value
            }
        }
        source.fail(false)
        #expect(try await lookup.value(of: 1) == 10)
    }

    @Test func `refuses a key that the next batch has no space for`() async throws {
        let source = HeldSource(values: [:], isHeld: true)
        let lookup = source.lookup(Self.pace(keysMax: 2), patience: Self.longest)
        let first = Task { try await lookup.value(of: 0) }
        try await waitUntil("the first batch runs", within: Self.longest) {
            source.batches.count == 1
        }
        let others = [1, 2].map { key in Task { try await lookup.value(of: key) } }
        try await waitUntil("the next batch is full", within: Self.longest) { lookup.waiting == 2 }
        await #expect(throws: QuotaError.busy) { try await lookup.value(of: 3) }
        source.release()
        for task in others + [first] { _ = try await task.value }
    }

    @Test func `ends the wait of one caller without ending the batch`() async throws {
        let source = HeldSource(values: [1: 10], isHeld: true)
        let lookup = source.lookup(Self.pace(), patience: Self.longest)
        let patient = Task { try await lookup.value(of: 1) }
        try await waitUntil("the batch runs", within: Self.longest) { source.batches.count == 1 }
        await #expect(throws: QuotaError.self) { try await lookup.value(of: 1, within: .zero) }
        let cancelled = Task { try await lookup.value(of: 1) }
        cancelled.cancel()
        source.release()
        #expect(try await patient.value == 10)
        _ = try? await cancelled.value
        #expect(source.batches == [[1]])
    }

    @Test func `evicts no value for keys that have none`() async throws {
        let (source, clock) = (HeldSource(values: [1: 10]), ManualClock())
        let lookup = source.lookup(Self.pace(knownMax: 3), clock: clock)
        for key in [1] + Array(100..<120) { _ = try await lookup.value(of: key) }
        #expect(try await lookup.value(of: 1) == 10)
        #expect(source.batches.count == 21)
        // Of the keys without a value the latest three are remembered.
        for key in 117..<120 { #expect(try await lookup.value(of: key) == nil) }
        #expect(source.batches.count == 21)
        #expect(try await lookup.value(of: 116) == nil)
        #expect(source.batches.count == 22)
    }

    /// Values never change here, so whatever is remembered and batched, each answer must be right.
    @Test func `answers as its source does, whatever the order`() async throws {
        let name = "batched lookup"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 5)
        while await box.hasTime {
            let values = Dictionary(
                uniqueKeysWithValues: (0..<20).filter { _ in random.next() % 2 == 0 }.map {
                    ($0, $0 * 10)
                })
            let (source, clock) = (HeldSource(values: values), ManualClock())
            let lookup = source.lookup(
                Self.pace(servesOldValues: random.next() % 2 == 0, knownMax: 5),
                patience: Self.longest, clock: clock)
            let keys = (0..<40).map { _ in Int.random(in: 0..<20, using: &random) }
            let steps = keys.map { _ in Int.random(in: 0...3_000, using: &random) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (key, step) in zip(keys, steps) {
                    group.addTask {
                        clock.advance(by: .milliseconds(step))
                        let value = try await lookup.value(of: key)
                        #expect(value == values[key])
                    }
                }
                try await group.waitForAll()
            }
            #expect(source.mostAtOnce == 1)
        }
        box.report()
    }
}

/// Values in memory, whose reads a test can hold and fail.
private final class HeldSource: Sendable {
    private struct State {
        var values: [Int: Int]
        var batches: [Set<Int>] = []
        var isFailing = false
        var running = 0
        var mostAtOnce = 0
    }

    private let state: Mutex<State>
    private let work = HeldWork()

    init(values: [Int: Int], isHeld: Bool = false) {
        state = Mutex(State(values: values))
        if !isHeld { work.release() }
    }

    var batches: [Set<Int>] { state.withLock(\.batches) }
    var mostAtOnce: Int { state.withLock(\.mostAtOnce) }

    func set(_ values: [Int: Int]) { state.withLock { $0.values = values } }
    func fail(_ isFailing: Bool) { state.withLock { $0.isFailing = isFailing } }
    func release() { work.release() }

    func lookup(
        _ pace: BatchedLookup<Int, Int>.Pace, patience: Duration = .seconds(240),
        clock: ManualClock = ManualClock()
    ) -> BatchedLookup<Int, Int> {
        BatchedLookup(pace, patience: patience, now: clock.read) { keys throws(QuotaError) in
            try await self.read(keys)
        }
    }

    private func read(_ keys: [Int]) async throws(QuotaError) -> [Int: Int] {
        state.withLock { state in
            state.batches.append(Set(keys))
            state.running += 1
            state.mostAtOnce = max(state.mostAtOnce, state.running)
        }
        await work.run()
        let (values, isFailing) = state.withLock { state in
            state.running -= 1
            return (state.values, state.isFailing)
        }
        if isFailing { throw .termsUnavailable("a test") }
        return values.filter { keys.contains($0.key) }
    }
}

/// A clock that the test moves.
private final class ManualClock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    func advance(by length: Duration) { time.withLock { $0 += length } }
    @Sendable func read() -> ContinuousClock.Instant { time.withLock { $0 } }
}
