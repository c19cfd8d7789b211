public import Metering
public import Quotas
import Synchronization

/// The highest counts that this process saw for each clinic, and which of them the ledger lacks.
///
/// A mark survives any loss of Redis: the gate passes it with the clinic's next check, and a
/// checkpoint writes it every second. Bounded: when the map is full, clinics whose counts are all
/// in the ledger are dropped first. It is no `BoundedMap`, because an open mark must never be
/// evicted.
public final class HighWaterMarks: Sendable {
    private struct ClinicMarks {
        /// The mark that arrived last. Only arrival shows which count Redis is at; clocks cannot,
        /// because a Redis that came back may be behind the one that was lost.
        var latest: Mark
        /// Whether the ledger lacks `latest`.
        var isOpen: Bool
        /// Marks of other epochs and periods that the ledger still lacks.
        var earlier: [Mark] = []
        var isQueued = false
        /// What the clinic's limits admit, as far as replies showed.
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
            latest = merged(mark)
            isOpen = latest.hasCounts
            return isOpen
        }

        /// Takes in a mark and the pace of its reply; returns whether the clinic has to be queued.
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

        /// The mark, merged with what `earlier` held of its count. `earlier` no longer holds it.
        private mutating func merged(_ mark: Mark) -> Mark {
            guard let index = earlier.firstIndex(where: { $0.isSameCount(as: mark) }) else {
                return mark
            }
            return mark.merged(with: earlier.remove(at: index))
        }
    }

    private struct State {
        var clinics: [ClinicID: ClinicMarks] = [:]
        /// Clinics with an open mark, each once, in the order in which it opened.
        var queue: [ClinicID] = []
        var newEpochs = 0

        mutating func enqueue(_ clinic: ClinicID) {
            guard clinics[clinic]?.isQueued == false else { return }
            clinics[clinic]?.isQueued = true
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
        state.withLock { $0.clinics[clinic]?.latest }
    }

    /// Remembers the mark of a reply. A count never falls; a mark of another epoch or period is
    /// kept beside it.
    public func record(
        _ mark: Mark, of clinic: ClinicID, pace: MarkPlausibility.Pace = .none
    ) {
        guard mark.epoch != .none else { return }
        state.withLock { state in
            // Every check comes here, so the clinic is looked up once.
            guard let place = state.clinics.index(forKey: clinic) else {
                var marks = ClinicMarks(mark)
                marks.pace = pace
                state.clinics[clinic] = marks
                if marks.isOpen { state.enqueue(clinic) }
                return
            }
            let hasOpened = state.clinics.values[place].absorb(
                mark, pace, newEpochs: &state.newEpochs)
            if hasOpened { state.queue.append(clinic) }
        }
    }

    /// Takes the open marks of at most `limit` clinics, those that waited longest first. The caller
    /// puts back what it could not write; marks recorded meanwhile are kept.
    public func takeOpen(limit: Int) -> [OpenMark] {
        state.withLock { state in
            var taken: [OpenMark] = []
            let clinics = state.queue.prefix(limit)
            state.queue.removeFirst(clinics.count)
            for clinic in clinics {
                guard var marks = state.clinics[clinic] else { continue }
                taken += marks.earlier.map { (clinic, $0, marks.pace) }
                if marks.isOpen { taken.append((clinic, marks.latest, marks.pace)) }
                (marks.earlier, marks.isOpen, marks.isQueued) = ([], false, false)
                state.clinics[clinic] = marks
            }
            trim(&state)
            return taken
        }
    }

    public func putBack(_ marks: [OpenMark]) {
        state.withLock { state in
            for (clinic, mark, _) in marks {
                if state.clinics[clinic] == nil {
                    state.clinics[clinic] = ClinicMarks(mark)
                } else {
                    state.clinics[clinic]?.restore(mark)
                }
                state.enqueue(clinic)
            }
        }
    }

    /// Number of clinics with counts that the ledger lacks.
    public var openCount: Int { state.withLock { $0.queue.count } }

    /// How often a count started again in another epoch of its month: Redis lost or changed its
    /// data.
    public var newEpochs: Int { state.withLock { $0.newEpochs } }

    private func trim(_ state: inout State) {
        guard state.clinics.count > clinicsMax else { return }
        let excess = state.clinics.count - clinicsMax
        let clean = state.clinics.lazy.filter { !$0.value.isQueued }
        for clinic in clean.prefix(excess).map(\.key) { state.clinics[clinic] = nil }
    }
}

extension Mark {
    fileprivate func isSameCount(as other: Mark) -> Bool {
        period == other.period && epoch == other.epoch
    }

    fileprivate var hasCounts: Bool { used > 0 || credited > 0 }
}
