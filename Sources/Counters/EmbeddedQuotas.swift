public import Admission
import Glibc
public import Metering
public import Quotas
public import Redis

/// Checks inside your own program: one round trip to Redis, and a worker only for what needs
/// PostgreSQL.
///
/// ```swift
/// let redis = try RedisConfiguration("redis://127.0.0.1:6379")
/// let quotas = EmbeddedQuotas(redis: redis) { path, body in
///     try await worker.post(path, body)  // your HTTP client, with a key of scopes check and marks
/// }
/// let running = Task { await quotas.run() }
/// if case .decided(let decision) = try await quotas.check(clinic), decision.isAllowed { … }
/// ```
/// docs/library.md says what is counted when, and what can be lost.
public final class EmbeddedQuotas: Sendable {
    public struct Settings: Hashable, Sendable {
        /// How checks are decided while Redis is unavailable. `onOutage` holds for all limits: only
        /// workers know the rule that a plan has for a single limit.
        public var outage = OutagePolicy()
        /// Programs like this one and workers: during an outage each admits its share of a limit.
        public var processes: Int64 = 1
        /// Whether a denial is repeated for up to a second without a call of Redis.
        public var repeatsDenials = true
        /// The longest that a worker may take to respond.
        public var patience = Duration.seconds(3)
        /// How often marks are posted.
        public var interval = Duration.seconds(1)

        public init() {}
    }

    public enum Event: Hashable, Sendable {
        case outageStarted(reason: String)
        case outageEnded(after: Duration)
        /// The marks are kept and posted again.
        case marksNotPosted(clinics: Int, reason: String)
        /// The worker refused so many marks: they are implausible, or it knows no such clinic.
        case marksRefused(Int, reason: String)
        /// Units that were admitted during an outage still wait to be counted.
        case unitsNotCounted(Int64, reason: String)
    }

    public let gate: QuotaGate
    public let fallback: Fallback
    public let redis: RedisClient
    /// Units that were admitted during an outage and are not counted yet.
    public let owed: OwedUnits
    private let worker: WorkerClient
    private let settings: Settings
    private let onEvent: @Sendable (Event) -> Void

    /// - Parameters:
    ///   - redis: Its `commandTimeout` becomes the `checkTimeout` of the settings.
    ///   - worker: Sends a request to a worker.
    ///   - onEvent: Receives what a log should hold; must not block.
    public init(
        redis configuration: RedisConfiguration, settings: Settings = Settings(),
        worker post: @escaping WorkerPost,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        var configuration = configuration
        configuration.commandTimeout = settings.outage.checkTimeout
        let redis = RedisClient(configuration)
        let (marks, owed) = (HighWaterMarks(), OwedUnits(clinicsMax: settings.outage.clinicsMax))
        fallback = Fallback(
            settings.outage, marks: marks, journal: owed,
            Fallback.Dependencies(
                wallClock: { Int64(time(nil)) * 1_000_000 },
                probe: {
                    guard redis.isServing else { return nil }
                    return try? await RedisCounterStore.time(
                        of: redis, within: settings.outage.checkTimeout)
                },
                onEvent: { event in
                    switch event {
                    case .outageStarted(let reason): onEvent(.outageStarted(reason: reason))
                    case .outageEnded(let time): onEvent(.outageEnded(after: time))
                    }
                }))
        fallback.note(liveWorkers: settings.processes)
        worker = WorkerClient(post: post, patience: settings.patience)
        gate = QuotaGate(
            counters: RedisCounterStore(redis: redis, late: fallback), provider: worker,
            marks: marks,
            fallback: fallback, loading: LoadingPace(patience: settings.patience),
            denialCache: settings.repeatsDenials ? DenialCache() : nil)
        (self.redis, self.owed, self.settings, self.onEvent) = (redis, owed, settings, onEvent)
    }

    /// Decides a call, and counts it when it is allowed.
    ///
    /// - Parameters:
    ///   - limit: Name of the limit that applies.
    ///   - cost: Units, 1…1,000,000.
    ///   - writes: Whether the call changes something; a suspended clinic may only read.
    /// - Throws: Why there is no decision. Whether to go on without one is the caller's policy.
    public func check(
        _ clinic: ClinicID, limit: String = LimitID.defaultName, cost: Int64 = 1,
        mode: CheckRequest.Mode = .consume, writes: Bool = false
    ) async throws(QuotaError) -> QuotaAnswer {
        try await gate.check(clinic, limit: limit, cost: cost, mode: mode, writes: writes)
    }

    /// Decides many calls, which travel together; each fails alone.
    public func checkMany(_ checks: [Check]) async -> [QuotaGate.Answer] {
        await gate.checkMany(checks)
    }

    /// Delivers counts to the ledger every second until the task is cancelled, and then once more.
    /// Run it once, for as long as there are checks.
    public func run() async {
        while (try? await Task.sleep(for: settings.interval)) != nil { await deliver() }
        // The task is cancelled, and this must not be.
        await Task { await deliver() }.value
    }

    /// Counts the units that were admitted during an outage, and posts every count that the ledger
    /// may lack. What fails is reported and kept for the next time.
    public func deliver() async {
        if !fallback.isRedisUnavailable, owed.waiting > 0 {
            do throws(QuotaError) { try await owed.count(through: gate) } catch {
                onEvent(.unitsNotCounted(owed.waiting, reason: "\(error)"))
            }
        }
        // Clinics that are counted meanwhile wait for the next time.
        var left = gate.marks.openCount
        while left > 0 {
            let clinics = min(left, MarksDocument.marksMax)
            left -= clinics
            var taken = gate.marks.takeOpen(limit: clinics)
            while !taken.isEmpty {
                do throws(WorkerClient.Problem) {
                    let refusals = try await worker.post(taken.prefix(MarksDocument.marksMax))
                    for (reason, count) in refusals {
                        onEvent(.marksRefused(count, reason: reason))
                    }
                    taken.removeFirst(min(taken.count, MarksDocument.marksMax))
                } catch {
                    gate.marks.putBack(taken)
                    let waiting = gate.marks.openCount
                    return onEvent(.marksNotPosted(clinics: waiting, reason: "\(error)"))
                }
            }
        }
    }
}
