import Metering
import Synchronization
import TestSupport
import Testing

@testable import Admission
@testable import Quotas

@Suite(.timed) struct `Subdomain cache` {
    private let smile = ClinicID(high: 1, low: 1)

    @Test func `reads a name once for all who wait, and names that wait together in one question`()
        async throws
    {
        let source = Source(["smile": smile])
        let cache = SubdomainCache(source: source)
        let found = try await withThrowingTaskGroup(of: ClinicID?.self) { group in
            for _ in 0..<20 { group.addTask { try await cache.clinic(of: "smile") } }
            return try await group.reduce(into: [ClinicID?]()) { $0.append($1) }
        }
        #expect(found == Array(repeating: smile, count: 20))
        #expect(source.questions.count == 1)
    }

    @Test func `believes for two seconds that there is none`() async throws {
        let clock = Clock()
        let source = Source([:])
        let cache = SubdomainCache(source: source, now: clock.read)
        #expect(try await cache.clinic(of: "new") == nil)
        source.set("new", smile)
        clock.move(by: .milliseconds(1_999))
        #expect(try await cache.clinic(of: "new") == nil)
        clock.move(by: .milliseconds(1))
        #expect(try await cache.clinic(of: "new") == smile)
        #expect(source.questions.count == 2)
    }

    @Test
    func `answers a known name during an outage of PostgreSQL, and follows a rename after it`()
        async throws
    {
        let clock = Clock()
        let source = Source(["smile": smile])
        let cache = SubdomainCache(source: source, now: clock.read)
        #expect(try await cache.clinic(of: "smile") == smile)
        source.isUnavailable = true
        clock.move(by: .seconds(3_600))
        #expect(try await cache.clinic(of: "smile") == smile)
        await #expect(throws: QuotaError.self) { try await cache.clinic(of: "other") }
        source.isUnavailable = false
        source.set("smile", nil)
        try await waitUntil("no clinic has the name") {
            clock.move(by: .seconds(3_600))
            return try await cache.clinic(of: "smile") == nil
        }
    }

    @Test func `keeps no more names than it may`() async throws {
        let clock = Clock()
        let source = Source(["smile": smile])
        let cache = SubdomainCache(source: source, knownMax: 3, now: clock.read)
        #expect(try await cache.clinic(of: "smile") == smile)
        for number in 0..<10 {
            clock.move(by: .seconds(1))
            #expect(try await cache.clinic(of: "made-up-\(number)") == nil)
        }
        #expect(try await cache.clinic(of: "smile") == smile)
        #expect(
            !source.questions.dropFirst().contains { $0.contains("smile") },
            "names without a clinic evict no name that has one")
    }

    @Test func `asks at most once in a tenth of a second`() async throws {
        let source = Source([:])
        let cache = SubdomainCache(source: source)
        let start = ContinuousClock.now
        for number in 0..<4 { _ = try await cache.clinic(of: "made-up-\(number)") }
        #expect(ContinuousClock.now - start >= SubdomainCache.pause * 3)
    }
}

/// Subdomains in memory that say what was asked.
private final class Source: SubdomainSource {
    private struct State {
        var clinics: [String: ClinicID]
        var isUnavailable = false
        var questions: [[String]] = []
    }
    private let state: Mutex<State>

    init(_ clinics: [String: ClinicID]) { state = Mutex(State(clinics: clinics)) }

    var questions: [[String]] { state.withLock { $0.questions } }
    var isUnavailable: Bool {
        get { state.withLock { $0.isUnavailable } }
        set { state.withLock { $0.isUnavailable = newValue } }
    }
    func set(_ name: String, _ clinic: ClinicID?) { state.withLock { $0.clinics[name] = clinic } }

    func clinics(under subdomains: [String]) async throws(QuotaError) -> [String: ClinicID] {
        let (clinics, isUnavailable) = state.withLock { state in
            state.questions.append(subdomains)
            return (state.clinics, state.isUnavailable)
        }
        if isUnavailable { throw .termsUnavailable("the test says so") }
        return clinics.filter { subdomains.contains($0.key) }
    }
}

/// A clock that the test moves.
private final class Clock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    func move(by length: Duration) { time.withLock { $0 += length } }
    @Sendable func read() -> ContinuousClock.Instant { time.withLock { $0 } }
}
