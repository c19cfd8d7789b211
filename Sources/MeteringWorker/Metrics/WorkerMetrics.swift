import Admission
import Ledger
import Metering
import Quotas
import Shell
import Synchronization
import Values

/// The metrics of one worker, and the only place that raises them.
final class WorkerMetrics: CheckObserver {
    private let registry = MetricRegistry()
    private let checks = CheckTally()
    private let startedAt = ContinuousClock.now
    private let redis: HistogramCell
    private let postgres: [PostgresWork: (time: HistogramCell, failures: NumberCell)]
    private let state = Mutex(State())

    /// How late event loops are.
    let loopLag: HistogramCell

    private struct State {
        /// When each job last ended well.
        var jobs: [String: ContinuousClock.Instant] = [:]
        var keysRenewed: ContinuousClock.Instant?
        var figures: [StoredFigure] = []
        var figuresRead: ContinuousClock.Instant?
    }

    init() {
        let registry = registry
        redis = registry.histogram(.redisDuration)
        loopLag = registry.histogram(.loopLag)
        postgres = Dictionary(
            uniqueKeysWithValues: PostgresWork.allCases.map { work in
                (
                    work,
                    (
                        registry.histogram(.postgresDuration, [work.rawValue]),
                        registry.number(.postgresFailures, [work.rawValue])
                    )
                )
            })
        // Seen as 0 before the first time, so that an alert sees the rise.
        for name: MetricName in [
            .wouldDeny, .ambiguous, .settingsFailures, .standingMoves,
        ] { raise(name, by: 0) }
        for verdict in ["allowed", "denied"] { raise(.degraded, by: 0, verdict) }
        for kind in LimitCounter.allCases { raise(.countersWrong, by: 0, kind.rawValue) }
    }

    /// Raises a counter; `labels` are the values of its labels in order. For rare events: it looks
    /// the series up.
    func raise(_ name: MetricName, by amount: Int = 1, _ labels: String...) {
        registry.number(name, labels).add(amount)
    }

    /// Sets a gauge; it looks the series up, too.
    func set(_ name: MetricName, to value: Int, _ labels: String...) {
        registry.number(name, labels).set(value)
    }

    func checked(
        _ mode: CheckRequest.Mode, _ result: Result<QuotaAnswer, QuotaError>, took: Duration
    ) {
        checks.note(mode, CheckOutcome(result), took.wholeNanoseconds)
        switch result {
        case .success(.decided(let decision)):
            if !decision.wouldDeny.isEmpty { raise(.wouldDeny) }
            if decision.isDegraded { raise(.degraded, decision.isAllowed ? "allowed" : "denied") }
        case .failure(let error) where error.mayHaveCounted: raise(.ambiguous)
        default: break
        }
    }

    @Sendable func noteReply(nanoseconds: Int64) { redis.record(nanoseconds: nanoseconds) }

    @Sendable func noteCall(_ statement: String, took: Duration, failed: Bool) {
        guard let work = postgres[PostgresWork(statement: statement)] else { return }
        work.time.record(nanoseconds: took.wholeNanoseconds)
        if failed { work.failures.add(1) }
    }
}

// MARK: Work that recurs

extension WorkerMetrics {
    /// From now on its age is shown; it counts from now until the first success.
    func expect(job: String) {
        state.withLock { $0.jobs[job] = .now }
        for result in ["ok", "failed"] { raise(.jobRuns, by: 0, job, result) }
    }

    func noteRun(of job: String, isGood: Bool) {
        raise(.jobRuns, job, isGood ? "ok" : "failed")
        if isGood { state.withLock { $0.jobs[job] = .now } }
    }

    func noteKeysRenewed() { state.withLock { $0.keysRenewed = .now } }

    /// The latest figures of PostgreSQL.
    func keep(_ figures: [StoredFigure]) {
        state.withLock { state in
            state.figures = figures
            state.figuresRead = .now
        }
    }

    /// All counts of this worker, and the latest figures; ages grow while no new figures arrive.
    func samples() -> [MetricName: [MetricSample]] {
        let now = ContinuousClock.now
        let state = state.withLock(\.self)
        var samples = registry.samples().merging(checks.samples()) { $1 }
        samples[.buildInfo] = [.number(1, Release.version)]
        samples[.jobAge] = state.jobs.sorted { $0.key < $1.key }.map { job, end in
            .number((now - end).wholeNanoseconds, job)
        }
        samples[.keysAge] = [
            .number((now - (state.keysRenewed ?? startedAt)).wholeNanoseconds)
        ]
        let silence = state.figuresRead.map { (now - $0).wholeNanoseconds } ?? 0
        for figure in state.figures {
            guard let name = MetricName(rawValue: figure.name), name.kind == .gauge,
                samples[name, default: []].count < MetricRegistry.seriesMax
            else { continue }
            samples[name, default: []].append(MetricSample(figure, of: name, silence: silence))
        }
        return samples
    }
}

extension MetricSample {
    /// - Parameter silence: How long ago it was read, nanoseconds; an age is that much higher now.
    fileprivate init(_ figure: StoredFigure, of name: MetricName, silence: Int64) {
        var number = figure.value
        // 0 means that there is none.
        if name.isInSeconds, number > 0 {
            let age = number.multipliedReportingOverflow(by: 1_000_000_000)
            number = age.overflow ? .max : age.partialValue.addingClamped(silence)
        }
        self.init(labels: name.labels.isEmpty ? [] : [figure.label], value: .number(number))
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let sum = addingReportingOverflow(other)
        return sum.overflow ? .max : sum.partialValue
    }
}
