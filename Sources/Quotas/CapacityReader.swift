public import Metering
import Synchronization

/// Where the room of clinics is read: PostgreSQL.
public protocol CapacitySource: Sendable {
    /// Clinics that do not exist are not in the answer.
    func capacities(of clinics: [ClinicID]) async throws(QuotaError) -> [ClinicID: ClinicCapacity]
}

/// Answers how much room clinics have, and keeps a flood of such questions from PostgreSQL.
///
/// An answer is good for a second. One reading runs at a time and takes all clinics that were asked for while
/// the one before ran, so this costs PostgreSQL one connection however many ask.
public final class CapacityReader: Sendable {
    private typealias Rooms = Result<[ClinicID: ClinicCapacity], QuotaError>

    private struct Reading {
        var clinics: Set<ClinicID> = []
        let task: Task<Rooms, Never>
    }

    private struct State {
        /// What was read, also that there is no such clinic, and until when it is believed.
        var known: [ClinicID: (room: ClinicCapacity?, until: ContinuousClock.Instant)] = [:]
        var running: Reading?
        var next: Reading?
    }

    private enum Way {
        case known(ClinicCapacity?)
        case reading(Task<Rooms, Never>)
        case none
    }

    static let freshFor: Duration = .seconds(1)
    static let knownMax = 10_000
    static let clinicsMax = 256

    private let source: any CapacitySource
    private let patience: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// - Parameter patience: The longest a call waits; the reading itself goes on within its own deadline.
    public init(
        source: any CapacitySource, patience: Duration = .seconds(3),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        (self.source, self.patience, self.now) = (source, patience, now)
    }

    /// Nil when there is no such clinic.
    ///
    /// - Parameter time: What a caller has left, when that is less than its patience.
    public func capacity(
        of clinic: ClinicID, within time: Duration? = nil
    ) async throws(QuotaError) -> ClinicCapacity? {
        switch way(to: clinic) {
        case .known(let room): return room
        case .reading(let task):
            return try await FirstAnswer.of(task, within: min(patience, time ?? patience)).get()[
                clinic]
        case .none: throw .busy
        }
    }

    /// Clinics that wait for the next reading.
    var waiting: Int { state.withLock { $0.next?.clinics.count ?? 0 } }

    private func way(to clinic: ClinicID) -> Way {
        let time = now()
        return state.withLock { state in
            if let entry = state.known[clinic], time < entry.until { return .known(entry.room) }
            if let running = state.running, running.clinics.contains(clinic) {
                return .reading(running.task)
            }
            let before = state.running?.task
            var next =
                state.next
                ?? Reading(
                    task: Task {
                        _ = await before?.value
                        return await self.read()
                    })
            guard next.clinics.count < Self.clinicsMax || next.clinics.contains(clinic) else {
                return .none
            }
            next.clinics.insert(clinic)
            state.next = next
            return .reading(next.task)
        }
    }

    private func read() async -> Rooms {
        let clinics = state.withLock { state in
            (state.running, state.next) = (state.next, nil)
            return state.running?.clinics ?? []
        }
        let result: Rooms
        do throws(QuotaError) {
            result = .success(try await source.capacities(of: Array(clinics)))
        } catch {
            result = .failure(error)
        }
        let until = now() + Self.freshFor
        state.withLock { state in
            state.running = nil
            guard case .success(let rooms) = result else { return }
            if state.known.count + clinics.count > Self.knownMax { state.known.removeAll() }
            for clinic in clinics { state.known[clinic] = (rooms[clinic], until) }
        }
        return result
    }
}
