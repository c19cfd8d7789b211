import Glibc
public import Metering
public import Quotas
public import Redis

/// Checks inside a program of yours: one round trip to Redis, and a worker only for what needs PostgreSQL.
///
/// ```swift
/// let quotas = EmbeddedQuotas(redis: try RedisConfiguration("redis://127.0.0.1:6379")) { path, body in
///     try await worker.post(path, body)  // your HTTP client, with a key of scopes check and marks
/// }
/// let running = Task { await quotas.run() }
/// if case .decided(let decision) = try await quotas.check(clinic), decision.isAllowed { … }
/// ```
/// docs/library.md says what is counted when, and what is not.
public final class EmbeddedQuotas: Sendable {
    public struct Settings: Hashable, Sendable {
        /// What is answered while Redis is away. `onOutage` holds for all limits: what a plan says of a single
        /// one is known to workers only.
        public var away = OutagePolicy()
        /// Programs like this one and workers: while Redis is away each admits its part of a limit.
        public var processes: Int64 = 1
        /// Whether a denial is given again for up to a second without asking Redis.
        public var repeatsDenials = true
        /// The longest that a worker may take to answer.
        public var patience = Duration.seconds(3)
        /// How often marks are posted.
        public var interval = Duration.seconds(1)

        public init() {}
    }

    public enum Event: Hashable, Sendable {
        case outageStarted(reason: String)
        case outageEnded(after: Duration)
        /// They are kept and posted again.
        case marksNotPosted(clinics: Int, reason: String)
        /// A worker does not believe so many marks, or knows no such clinic; the reason is the worker's word.
        case marksRefused(Int, reason: String)
        /// Units that were let through while Redis was away still wait to be counted.
        case unitsNotCounted(Int64, reason: String)
    }

    public let gate: QuotaGate
    public let away: Fallback
    public let redis: RedisClient
    /// What was let through while Redis was away and is not counted yet.
    public let owed: OwedUnits
    private let line: WorkerClient
    private let settings: Settings
    private let tell: @Sendable (Event) -> Void

    /// - Parameters:
    ///   - redis: Its `commandTimeout` becomes the `checkTimeout` of the settings.
    ///   - worker: Sends a request to a worker.
    ///   - tell: For a log; must not block.
    public init(
        redis configuration: RedisConfiguration, settings: Settings = Settings(),
        worker: @escaping WorkerPost, tell: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        var configuration = configuration
        configuration.commandTimeout = settings.away.checkTimeout
        let redis = RedisClient(configuration)
        let (marks, owed) = (HighWaterMarks(), OwedUnits(clinicsMax: settings.away.clinicsMax))
        away = Fallback(
            settings.away, marks: marks, journal: owed,
            Fallback.Dependencies(
                wallClock: { Int64(time(nil)) * 1_000_000 },
                probe: {
                    guard redis.isServing else { return nil }
                    return try? await RedisCounterStore.time(
                        of: redis, within: settings.away.checkTimeout)
                },
                tell: { event in
                    switch event {
                    case .outageStarted(let reason): tell(.outageStarted(reason: reason))
                    case .outageEnded(let time): tell(.outageEnded(after: time))
                    }
                }))
        away.note(liveWorkers: settings.processes)
        line = WorkerClient(post: worker, patience: settings.patience)
        gate = QuotaGate(
            counters: RedisCounterStore(redis: redis, late: away), provider: line, marks: marks,
            fallback: away, loading: LoadingPace(patience: settings.patience),
            recent: settings.repeatsDenials ? RecentDenials() : nil)
        (self.redis, self.owed, self.settings, self.tell) = (redis, owed, settings, tell)
    }

    /// Decides a call, and counts it when it is allowed.
    ///
    /// - Parameters:
    ///   - limit: Name of the limit that is asked.
    ///   - cost: Units, 1…1,000,000.
    ///   - writes: Whether the call changes something; a suspended clinic may only read.
    /// - Throws: Why there is no decision; whether to go on without one is the caller's policy.
    public func check(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false
    ) async throws(QuotaError) -> QuotaAnswer {
        try await gate.check(clinic, limit: limit, cost: cost, mode: mode, writes: writes)
    }

    /// Decides many calls, which travel together; each fails alone.
    public func checkMany(_ questions: [Check]) async -> [QuotaGate.Answer] {
        await gate.checkMany(questions)
    }

    /// Brings what was counted to the ledger each second until the task is cancelled, and then a last time. Run it
    /// once, for as long as there are checks.
    public func run() async {
        while (try? await Task.sleep(for: settings.interval)) != nil { await deliver() }
        // The task is cancelled, and this must not be.
        await Task { await deliver() }.value
    }

    /// Counts what was let through while Redis was away, and posts every count that the ledger may lack. What fails
    /// is kept for the next time, and told.
    public func deliver() async {
        if !away.isRedisUnavailable, owed.waiting > 0 {
            do throws(QuotaError) { try await owed.count(through: gate) } catch {
                tell(.unitsNotCounted(owed.waiting, reason: "\(error)"))
            }
        }
        // Clinics that are counted meanwhile are the next time's.
        var left = gate.marks.openCount
        while left > 0 {
            let clinics = min(left, MarksDocument.marksMax)
            left -= clinics
            var taken = gate.marks.takeOpen(limit: clinics)
            while !taken.isEmpty {
                do throws(WorkerClient.Problem) {
                    let refusals = try await line.take(taken.prefix(MarksDocument.marksMax))
                    for (reason, count) in refusals { tell(.marksRefused(count, reason: reason)) }
                    taken.removeFirst(min(taken.count, MarksDocument.marksMax))
                } catch {
                    gate.marks.putBack(taken)
                    let waiting = gate.marks.openCount
                    return tell(.marksNotPosted(clinics: waiting, reason: "\(error)"))
                }
            }
        }
    }
}
