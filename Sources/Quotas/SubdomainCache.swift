public import Metering
import Synchronization

/// Where subdomains are known: PostgreSQL.
public protocol SubdomainSource: Sendable {
    /// Subdomains that no clinic has are not in the answer.
    func clinics(under subdomains: [String]) async throws(QuotaError) -> [String: ClinicID]
}

/// Which clinic each subdomain is of: a bounded copy in memory, read from PostgreSQL as names are asked for.
///
/// A name that was found is answered at once for ever and read again in the background when it is older
/// than ten seconds, so an outage of PostgreSQL holds up no known clinic; a name that nobody has is believed
/// for two seconds. At most one reading runs, of all names that wait, and at most ten begin in a second,
/// however many names a stranger tries.
public final class SubdomainCache: Sendable {
    private typealias Names = Result<[String: ClinicID], QuotaError>

    private struct Entry {
        var clinic: ClinicID?
        var readAt: ContinuousClock.Instant
    }

    private struct Reading {
        var names: Set<String> = []
        let task: Task<Names, Never>
    }

    private struct State {
        var known: [String: Entry] = [:]
        var running: Reading?
        var next: Reading?
        var lastStart: ContinuousClock.Instant?
    }

    private enum Way {
        case known(ClinicID?)
        case reading(Task<Names, Never>)
        case none
    }

    static let freshFor: Duration = .seconds(10)
    static let absentFor: Duration = .seconds(2)
    static let pause: Duration = .milliseconds(100)
    static let namesAtOnce = 256

    public let knownMax: Int
    private let source: any SubdomainSource
    private let patience: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// - Parameter patience: The longest a call waits for its name.
    public init(
        source: any SubdomainSource, knownMax: Int = 100_000, patience: Duration = .seconds(3),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        (self.knownMax, self.patience) = (knownMax, patience)
        (self.now, self.source) = (now, source)
    }

    /// Nil when no clinic has it.
    public func clinic(of name: String) async throws(QuotaError) -> ClinicID? {
        switch way(to: name) {
        case .known(let clinic): return clinic
        case .none: throw .busy
        case .reading(let task):
            return try await FirstAnswer.of(task, within: patience).get()[name]
        }
    }

    private func way(to name: String) -> Way {
        let time = now()
        return state.withLock { state in
            if let entry = state.known[name] {
                let age = entry.readAt.duration(to: time)
                if entry.clinic != nil {
                    if age >= Self.freshFor { _ = reading(of: name, &state) }
                    return .known(entry.clinic)
                }
                if age < Self.absentFor { return .known(nil) }
            }
            return reading(of: name, &state).map { .reading($0) } ?? .none
        }
    }

    /// The reading that has the name, or will have; nil when too many wait.
    private func reading(of name: String, _ state: inout State) -> Task<Names, Never>? {
        if let running = state.running, running.names.contains(name) { return running.task }
        let before = state.running?.task
        var next =
            state.next
            ?? Reading(
                task: Task {
                    _ = await before?.value
                    return await self.read()
                })
        guard next.names.count < Self.namesAtOnce || next.names.contains(name) else { return nil }
        next.names.insert(name)
        state.next = next
        return next.task
    }

    private func read() async -> Names {
        let wait = state.withLock { state in
            state.lastStart.map { Self.pause - $0.duration(to: now()) } ?? .zero
        }
        if wait > .zero { try? await Task.sleep(for: wait) }
        let names = state.withLock { state in
            state.lastStart = now()
            (state.running, state.next) = (state.next, nil)
            return state.running?.names ?? []
        }
        let result: Names
        do throws(QuotaError) {
            result = .success(try await source.clinics(under: names.sorted()))
        } catch {
            result = .failure(error)
        }
        let time = now()
        state.withLock { state in
            state.running = nil
            guard case .success(let found) = result else { return }
            if state.known.count + names.count > knownMax {
                state.known = state.known.filter { $0.value.clinic != nil }
            }
            if state.known.count + names.count > knownMax { state.known.removeAll() }
            for name in names { state.known[name] = Entry(clinic: found[name], readAt: time) }
        }
        return result
    }
}
