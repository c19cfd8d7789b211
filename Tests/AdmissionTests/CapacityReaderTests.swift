import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

/// How long a capacity is believed, and how often PostgreSQL is read for it.
@Suite(.timed) struct `A capacity` {
    /// At the start of a run random tests may hold every thread for a minute.
    private static let longest: Duration = .seconds(240)

    @Test func `is good for a second, also about a clinic that does not exist`() async throws {
        let source = MemoryCapacities([.numbered(1)])
        let clock = Mutex(ContinuousClock.now)
        let reader = CapacityReader(source: source, patience: Self.longest) {
            clock.withLock(\.self)
        }
        for _ in 0..<5 {
            #expect(try await reader.capacity(of: .numbered(1)) != nil)
            #expect(try await reader.capacity(of: .numbered(2)) == nil)
        }
        #expect(source.readings == [[.numbered(1)], [.numbered(2)]])
        clock.withLock { $0 += .milliseconds(999) }
        #expect(try await reader.capacity(of: .numbered(1)) != nil)
        #expect(source.readings.count == 2)
        clock.withLock { $0 += .milliseconds(1) }
        #expect(try await reader.capacity(of: .numbered(1)) != nil)
        #expect(source.readings.count == 3)
    }

    @Test func `takes one reading at a time, for all who came meanwhile`() async throws {
        let source = MemoryCapacities([.numbered(1), .numbered(2)], isHeld: true)
        let reader = CapacityReader(source: source, patience: Self.longest)
        let first = Task { try await reader.capacity(of: .numbered(1)) }
        try await waitUntil("the first reading runs", within: Self.longest) {
            source.readings.count == 1
        }
        try await withThrowingTaskGroup { group in
            for number in 0..<100 {
                group.addTask { _ = try await reader.capacity(of: .numbered(2 + number % 50)) }
            }
            try await waitUntil("all wait for the second", within: Self.longest) {
                reader.waiting == 50
            }
            source.release()
            try await group.waitForAll()
        }
        #expect(try await first.value != nil)
        #expect(source.readings.count == 2)
        #expect(source.readings.last?.count == 50)
    }

    @Test func `refuses at once what one reading cannot take, and keeps no failure`() async throws {
        let source = MemoryCapacities([.numbered(1)], isHeld: true)
        let reader = CapacityReader(source: source, patience: Self.longest)
        let first = Task { try await reader.capacity(of: .numbered(1)) }
        try await waitUntil("the first reading runs", within: Self.longest) {
            source.readings.count == 1
        }
        try await withThrowingTaskGroup { group in
            for number in 0..<CapacityReader.clinicsMax {
                group.addTask { _ = try? await reader.capacity(of: .numbered(1_000 + number)) }
            }
            try await waitUntil("the second is full", within: Self.longest) {
                reader.waiting == CapacityReader.clinicsMax
            }
            await #expect(throws: QuotaError.busy) { try await reader.capacity(of: .numbered(2)) }
            source.fail()
            source.release()
            try await group.waitForAll()
        }
        await #expect(throws: QuotaError.termsUnavailable("a test made it unavailable")) {
            try await first.value
        }
        source.fail(false)
        #expect(try await reader.capacity(of: .numbered(1)) != nil)
    }
}

extension ClinicCapacity {
    fileprivate static func with(
        users used: Int64, _ limit: Int64?, isEnforced: Bool = true, hasPlan: Bool = true
    ) -> ClinicCapacity {
        ClinicCapacity(
            users: Share(used: used, limit: limit), patients: Share(used: 0, limit: nil),
            storage: Share(used: 0, limit: nil), isEnforced: isEnforced, hasPlan: hasPlan)
    }
}

/// Rooms of some clinics, in memory.
private final class MemoryCapacities: CapacitySource {
    private struct State {
        var readings: [Set<ClinicID>] = []
        var isUnavailable = false
        /// Answers wait here until the test lets them go.
        var held: [CheckedContinuation<Void, Never>]?
    }

    private let clinics: Set<ClinicID>
    private let state: Mutex<State>

    init(_ clinics: Set<ClinicID>, isHeld: Bool = false) {
        self.clinics = clinics
        state = Mutex(State(held: isHeld ? [] : nil))
    }

    var readings: [Set<ClinicID>] { state.withLock(\.readings) }

    func fail(_ isUnavailable: Bool = true) { state.withLock { $0.isUnavailable = isUnavailable } }

    func capacities(of asked: [ClinicID]) async throws(QuotaError) -> [ClinicID: ClinicCapacity] {
        state.withLock { $0.readings.append(Set(asked)) }
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                state.held?.append(continuation)
                return state.held != nil
            }
            if !waits { continuation.resume() }
        }
        if state.withLock(\.isUnavailable) { throw .termsUnavailable("a test made it unavailable") }
        let known = clinics.intersection(asked)
        return Dictionary(
            uniqueKeysWithValues: known.map { ($0, ClinicCapacity.with(users: 1, 2)) })
    }

    func release() {
        let waiting = state.withLock { state in
            defer { state.held = nil }
            return state.held ?? []
        }
        for continuation in waiting { continuation.resume() }
    }
}

extension ClinicID {
    fileprivate static func numbered(_ number: Int) -> ClinicID {
        ClinicID(high: 1, low: UInt64(number))
    }
}
