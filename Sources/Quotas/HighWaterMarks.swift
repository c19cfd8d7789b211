public import Metering
import Synchronization

/// The highest counts this process saw for each clinic, and which of them the ledger still lacks.
///
/// What is written here survives any loss of Redis: it is passed with the next check and checkpointed
/// every second. Bounded: clinics whose counts are all in the ledger are dropped first when it is full.
public final class HighWaterMarks: Sendable {
    private struct Page {
        /// The mark that arrived last: only it can tell which count Redis is at. Clocks cannot, because a
        /// Redis that came back may be behind the one that was lost.
        var latest: Mark
        /// Whether the ledger lacks `latest`.
        var isOpen: Bool
        /// Other epochs and periods that the ledger still lacks.
        var earlier: [Mark] = []
        var isQueued = false
        /// What the clinic's limits admit, as far as a reply told.
        var pace = MarkPlausibility.Pace.none

        init(_ mark: Mark) {
            latest = mark
            isOpen = mark.hasCounts
        }

        /// Takes in a mark that just arrived; returns whether the ledger now lacks something.
        mutating func absorb(_ mark: Mark, newEpochs: inout Int) -> Bool {
            guard !latest.isSameCount(as: mark) else {
                let merged = latest.merged(with: mark)
                let rises = merged.used > latest.used || merged.credited > latest.credited
                latest = merged
                isOpen = isOpen || rises
                return rises
            }
            if mark.period == latest.period { newEpochs += 1 }
            if isOpen { keep(latest) }
            latest = taken(mark)
            isOpen = latest.hasCounts
            return isOpen
        }

        /// Takes in a mark and the pace that came with it; returns whether the clinic is to be queued.
        mutating func absorb(
            _ mark: Mark, _ pace: MarkPlausibility.Pace, newEpochs: inout Int
        ) -> Bool {
            if pace != .none { self.pace = pace }
            guard absorb(mark, newEpochs: &newEpochs), !isQueued else { return false }
            isQueued = true
            return true
        }

        /// Takes back a mark that could not be written.
        mutating func restore(_ mark: Mark) {
            if latest.isSameCount(as: mark) {
                latest = latest.merged(with: mark)
                isOpen = true
            } else {
                keep(mark)
            }
        }

        private mutating func keep(_ mark: Mark) {
            if let index = earlier.firstIndex(where: { $0.isSameCount(as: mark) }) {
                earlier[index] = earlier[index].merged(with: mark)
            } else {
                earlier.append(mark)
            }
        }

        /// The mark with what was kept of the same count, which is kept no longer.
        private mutating func taken(_ mark: Mark) -> Mark {
            guard let index = earlier.firstIndex(where: { $0.isSameCount(as: mark) }) else {
                return mark
            }
            return mark.merged(with: earlier.remove(at: index))
        }
    }

    private struct State {
        var pages: [ClinicID: Page] = [:]
        /// Clinics with something open, in the order in which it opened; each once.
        var queue: [ClinicID] = []
        var newEpochs = 0

        mutating func enqueue(_ clinic: ClinicID) {
            guard pages[clinic]?.isQueued == false else { return }
            pages[clinic]?.isQueued = true
            queue.append(clinic)
        }
    }

    /// A count that the ledger lacks, and what the clinic's limits admit.
    public typealias OpenMark = (
        clinic: ClinicID, mark: Mark, pace: MarkPlausibility.Pace
    )

    private let state = Mutex(State())
    public let clinicsMax: Int

    public init(clinicsMax: Int = 2_000_000) {
        self.clinicsMax = clinicsMax
    }

    /// The mark to pass with the next check of a clinic.
    public func mark(of clinic: ClinicID) -> Mark? {
        state.withLock { $0.pages[clinic]?.latest }
    }

    /// Remembers what a reply said. A count never falls; one of another epoch or period stands beside it.
    public func record(
        _ mark: Mark, of clinic: ClinicID, pace: MarkPlausibility.Pace = .none
    ) {
        guard mark.epoch != .none else { return }
        state.withLock { state in
            // Every check comes here, so the clinic is looked up once.
            guard let place = state.pages.index(forKey: clinic) else {
                var page = Page(mark)
                page.pace = pace
                state.pages[clinic] = page
                if page.isOpen { state.enqueue(clinic) }
                return
            }
            let hasOpened = state.pages.values[place].absorb(
                mark, pace, newEpochs: &state.newEpochs)
            if hasOpened { state.queue.append(clinic) }
        }
    }

    /// Takes what the ledger lacks of at most `limit` clinics, the longest waiting first. What could not be
    /// written is put back with `putBack`; marks recorded meanwhile are kept.
    public func takeOpen(limit: Int) -> [OpenMark] {
        state.withLock { state in
            var taken: [OpenMark] = []
            let clinics = state.queue.prefix(limit)
            state.queue.removeFirst(clinics.count)
            for clinic in clinics {
                guard var page = state.pages[clinic] else { continue }
                taken += page.earlier.map { (clinic, $0, page.pace) }
                if page.isOpen { taken.append((clinic, page.latest, page.pace)) }
                (page.earlier, page.isOpen, page.isQueued) = ([], false, false)
                state.pages[clinic] = page
            }
            trim(&state)
            return taken
        }
    }

    public func putBack(_ marks: [OpenMark]) {
        state.withLock { state in
            for (clinic, mark, _) in marks {
                if state.pages[clinic] == nil {
                    state.pages[clinic] = Page(mark)
                } else {
                    state.pages[clinic]?.restore(mark)
                }
                state.enqueue(clinic)
            }
        }
    }

    /// How many clinics have counts that the ledger lacks.
    public var openCount: Int { state.withLock { $0.queue.count } }

    /// How often a count began again in another epoch within its month: Redis lost or changed what it held.
    public var newEpochs: Int { state.withLock { $0.newEpochs } }

    private func trim(_ state: inout State) {
        guard state.pages.count > clinicsMax else { return }
        let excess = state.pages.count - clinicsMax
        let clean = state.pages.lazy.filter { !$0.value.isQueued }
        for clinic in clean.prefix(excess).map(\.key) { state.pages[clinic] = nil }
    }
}

extension Mark {
    fileprivate func isSameCount(as other: Mark) -> Bool {
        period == other.period && epoch == other.epoch
    }

    fileprivate var hasCounts: Bool { used > 0 || credited > 0 }
}
