public import Metering
import Synchronization

/// The highest counts this process saw for each clinic, and which of them the ledger still lacks.
///
/// What is written here survives any loss of Redis: it is passed with the next check and checkpointed
/// every second. Bounded: clinics whose counts are all in the ledger are dropped first when it is full.
public final class MarkBook: Sendable {
    private struct Page {
        var latest: Mark
        /// Whether the ledger lacks `latest`.
        var isOpen: Bool
        /// Other epochs and periods that the ledger still lacks.
        var earlier: [Mark] = []

        /// Takes a mark in; returns whether the ledger now lacks something it did not lack before.
        mutating func absorb(_ mark: Mark) -> Bool {
            let merged = latest.merged(with: mark)
            if latest.isSameCount(as: mark) {
                let rises = merged.used > latest.used || merged.credited > latest.credited
                latest = merged
                if rises { isOpen = true }
                return rises
            }
            if merged.isSameCount(as: latest) {
                keep(mark)
            } else {
                if isOpen { keep(latest) }
                isOpen = true
            }
            latest = merged
            return true
        }

        private mutating func keep(_ mark: Mark) {
            if let index = earlier.firstIndex(where: { $0.isSameCount(as: mark) }) {
                earlier[index] = earlier[index].merged(with: mark)
            } else {
                earlier.append(mark)
            }
        }
    }

    private struct State {
        var pages: [ClinicID: Page] = [:]
        var open: Set<ClinicID> = []
    }

    private let state = Mutex(State())
    public let clinicsMax: Int

    public init(clinicsMax: Int = 2_000_000) {
        self.clinicsMax = clinicsMax
    }

    /// The mark to pass with the next check of a clinic.
    public func mark(of clinic: ClinicID) -> Mark? {
        state.withLock { $0.pages[clinic]?.latest }
    }

    /// Remembers what a reply said. A reply that comes late never lowers anything.
    public func record(_ mark: Mark, of clinic: ClinicID) {
        guard mark.epoch != .none else { return }
        state.withLock { state in
            guard state.pages[clinic]?.absorb(mark) ?? true else { return }
            if state.pages[clinic] == nil { state.pages[clinic] = Page(latest: mark, isOpen: true) }
            state.open.insert(clinic)
        }
    }

    /// Takes what the ledger lacks, at most `limit` clinics. What could not be written is put back with
    /// `putBack`; marks recorded meanwhile are kept.
    public func takeOpen(limit: Int) -> [(clinic: ClinicID, mark: Mark)] {
        state.withLock { state in
            var taken: [(ClinicID, Mark)] = []
            for clinic in state.open.prefix(limit) {
                state.open.remove(clinic)
                guard var page = state.pages[clinic] else { continue }
                taken += page.earlier.map { (clinic, $0) }
                if page.isOpen { taken.append((clinic, page.latest)) }
                page.earlier = []
                page.isOpen = false
                state.pages[clinic] = page
            }
            trim(&state)
            return taken
        }
    }

    public func putBack(_ marks: [(clinic: ClinicID, mark: Mark)]) {
        state.withLock { state in
            for (clinic, mark) in marks {
                state.open.insert(clinic)
                if state.pages[clinic] == nil {
                    state.pages[clinic] = Page(latest: mark, isOpen: true)
                } else if state.pages[clinic]?.latest.isSameCount(as: mark) == true {
                    _ = state.pages[clinic]?.absorb(mark)
                    state.pages[clinic]?.isOpen = true
                } else {
                    _ = state.pages[clinic]?.absorb(mark)
                }
            }
        }
    }

    /// How many clinics have counts that the ledger lacks.
    public var openCount: Int { state.withLock { $0.open.count } }

    private func trim(_ state: inout State) {
        guard state.pages.count > clinicsMax else { return }
        let excess = state.pages.count - clinicsMax
        let clean = state.pages.lazy.filter { !$0.value.isOpen && $0.value.earlier.isEmpty }
        for clinic in clean.prefix(excess).map(\.key) { state.pages[clinic] = nil }
    }
}

extension Mark {
    fileprivate func isSameCount(as other: Mark) -> Bool {
        period == other.period && epoch == other.epoch
    }
}
