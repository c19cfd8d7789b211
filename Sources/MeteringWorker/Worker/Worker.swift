import Admission
import Counters
import HTTPServer
import Ledger
package import Logging
import Metering
import NIOCore
import NIOPosix
import NIOSSL
import Postgres
import Quotas
import Redis
package import ServiceLifecycle
package import UnixSignals
import Values

/// The process: its parts, and the order in which they start and stop. Only this file knows all
/// targets.
package struct Worker: Sendable {
    let settings: WorkerSettings
    let pool: PostgresPool
    let redis: RedisClient
    let ledger: Ledger
    let counters: RedisCounterStore
    let gate: QuotaGate
    let fallback: Fallback
    let journal: Journal
    let advisor: CapacityReader
    let keys: KeyRing
    let readiness: Readiness
    let metrics: WorkerMetrics
    let subdomains: SubdomainCache
    let posted: PostedMarks
    let batches = BatchSlots()
    /// µs since 1970.
    let startedAt = WallClock.now()
    /// Work that failed at shutdown.
    let shutdownFailures = ShutdownFailures()
    let checkpointer: Checkpointer
    let counts: CountSweep
    let counterUpkeep: CounterUpkeep
    let holdKeeper: HoldKeeper
    let group: MultiThreadedEventLoopGroup
    let logger: Logger
    /// Names this run in the heartbeat: random, because hosts may share a name.
    let name: UniqueID

    /// Connects, and checks everything that must be right before the first request.
    package static func connect(_ settings: WorkerSettings, logger: Logger) async throws -> Worker {
        let group = MultiThreadedEventLoopGroup.singleton
        let settings = try settings.fitting(loops: System.coreCount, logger: logger)
        var (database, counters) = try settings.addresses()
        _ = try settings.http.security()
        let metrics = WorkerMetrics()
        database.onCall = metrics.noteCall
        let pool = PostgresPool(configuration: database, logger: logger)
        let redis = RedisClient(
            configuration: counters, eventLoopGroup: group, logger: logger,
            onReply: metrics.noteReply)
        let worker = Worker(
            settings: settings, pool: pool, redis: redis, group: group, metrics: metrics,
            logger: logger)
        do {
            try await worker.checkStart()
        } catch {
            await worker.disconnect()
            throw error
        }
        return worker
    }

    private init(
        settings: WorkerSettings, pool: PostgresPool, redis: RedisClient,
        group: MultiThreadedEventLoopGroup, metrics: WorkerMetrics, logger: Logger
    ) {
        let plausibility = MarkPlausibility(perSecond: Int64(settings.markMaxPerSecond))
        (self.settings, self.pool, self.redis) = (settings, pool, redis)
        (self.group, self.metrics, self.logger) = (group, metrics, logger)
        var random = SystemRandomNumberGenerator()
        name = UniqueID.random(using: &random)
        ledger = Ledger(pool: pool)
        let marks = HighWaterMarks()
        let outage = Outage(
            redis: redis, checkTimeout: settings.outage.policy.checkTimeout, logger: logger)
        journal = Journal(directory: settings.outage.journalDirectory, logger: logger)
        fallback = Fallback(
            settings.outage.policy, marks: marks, journal: journal,
            Fallback.Dependencies(
                wallClock: WallClock.now, probe: outage.probe, onEvent: outage.tell))
        counters = RedisCounterStore(redis: redis, late: fallback)
        counts = CountSweep(counters: counters, ledger: ledger, plausibility: plausibility)
        let closedCounts = ClosedCounts(counts, logger: logger)
        gate = QuotaGate(
            counters: counters, terms: ledger.clinics, marks: marks, closedCounts: closedCounts,
            fallback: fallback, loading: settings.outage.loading, observer: metrics)
        advisor = CapacityReader(source: ledger.limits)
        keys = KeyRing(now: WallClock.now)
        let decidesAlone = settings.outage.policy.onOutage == .allow
        readiness = Readiness(decidesAlone: decidesAlone) { [fallback] in
            redis.isServing && !fallback.isRedisUnavailable
        }
        subdomains = SubdomainCache(source: ledger.clinics)
        posted = PostedMarks(perSecond: Int64(settings.markMaxPerSecond))
        checkpointer = Checkpointer(
            marks: gate.marks, ledger: ledger, plausibility: plausibility, logger: logger)
        holdKeeper = HoldKeeper(gate: gate, ledger: ledger, checkpointer: checkpointer)
        counterUpkeep = CounterUpkeep(
            counters: counters, ledger: ledger, gate: gate, keeper: holdKeeper)
    }

    /// Answers requests, independently of the server that reads them.
    var router: Router {
        let gateway = GatewayHandler(
            checks: checkHandler, keys: keys, subdomains: subdomains,
            naming: settings.gateway.naming,
            rules: settings.gateway.rules)
        return Router(
            checkHandler.routes + gateway.routes
                + HoldHandler(gate: gate, ledger: ledger, keeper: holdKeeper, keys: keys).routes
                + ExplainHandler(checks: checkHandler, ledger: ledger, watchingSince: startedAt)
                .routes
                + LibraryHandler(checks: checkHandler, ledger: ledger, posted: posted).routes
                + DescriptionHandler().routes + HealthHandler(readiness: readiness).routes)
    }

    private var checkHandler: CheckHandler {
        CheckHandler(gate: gate, advisor: advisor, batches: batches, keys: keys)
    }

    /// The listener of the API.
    ///
    /// - Parameters:
    ///   - idle: How long a connection may be open without a request.
    ///   - onListening: Receives the port once requests are accepted.
    func listener(
        tls: NIOSSLContext?, idle: TimeAmount = .seconds(60),
        onListening: @escaping @Sendable (Int) async -> Void
    ) -> HTTPListener {
        var bounds = HTTPListener.Settings(
            host: settings.http.host, port: settings.http.port, tls: tls,
            connectionsMax: settings.http.connectionsMax, idle: idle,
            request: TimeAmount(settings.http.requestTimeout))
        bounds.advice = "allow the process more open files, or lower METERING_CONNECTIONS_MAX"
        return HTTPListener(
            router, direct: DirectCheck(checks: checkHandler).responder, settings: bounds,
            group: group, logger: logger, onListening: onListening)
    }

    package func disconnect() async {
        await redis.close()
        await pool.close()
    }

    /// Everything that runs until a signal, or until the group shuts down.
    ///
    /// - Parameters:
    ///   - onListening: Receives the port once the worker accepts requests.
    ///   - onAdminListening: Receives the port of the listener for metrics.
    package func services(
        signals: [UnixSignal], onListening: @escaping @Sendable (Int) async -> Void,
        onAdminListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws -> ServiceGroup {
        let watch = try await ChangeWatch(
            counters: counters, ledger: ledger, gate: gate, keys: keys, metrics: metrics,
            logger: logger)
        try await watch.renewKeys()
        let listening = try listening(watch)
        let server = listener(tls: try settings.http.security(), onListening: onListening)
        // Later services stop first: requests end before the checkpoint that must see them.
        var configuration = ServiceGroupConfiguration(
            services: watching(onAdminListening).map { .init(service: $0) }
                + recurring(watch).map { .init(service: $0) }
                + listening.map { .init(service: $0) }
                + [.init(service: server), .init(service: LeavingService(readiness: readiness))],
            gracefulShutdownSignals: signals, logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout
        return ServiceGroup(configuration: configuration)
    }

    /// What each scrape of `/metrics` reads.
    var metricSources: MetricSources {
        MetricSources(
            metrics: metrics, redis: redis, pool: pool, marks: gate.marks, journal: journal,
            readiness: readiness)
    }

    /// The listener for operators, which stops last; nothing with `HTTP_ADMIN=false`.
    private func watching(
        _ onListening: @escaping @Sendable (Int) async -> Void
    ) -> [any Service] {
        guard let admin = settings.admin else { return [] }
        return [
            LoopWatch(group: group, lag: metrics.loopLag),
            AdminServer(
                metricSources, settings: admin,
                requestTimeout: TimeAmount(settings.http.requestTimeout),
                group: group, logger: logger, onListening: onListening),
        ]
    }

    /// Nothing without `DATABASE_LISTEN_URL`.
    private func listening(_ watch: ChangeWatch) throws -> [ChangeListener] {
        guard let address = try settings.listenAddress() else {
            logger.notice(
                "DATABASE_LISTEN_URL is not set: the worker polls for changes every second")
            return []
        }
        return [ChangeListener(address, watch: watch, ledger: ledger, logger: logger)]
    }

    private func recurring(_ watch: ChangeWatch) -> [RecurringService] {
        let upkeep = Upkeep(
            name: name.description, checkpointer: checkpointer, counters: counters, ledger: ledger,
            logger: logger)
        return [
            recurring("upkeep", .seconds(10), closing: upkeep.end) { try await upkeep.run() },
            recurring("workers", .seconds(5), startsAtOnce: true) { try await countWorkers() },
            recurring(
                "journal", .seconds(1), startsAtOnce: true,
                closing: { try await deliverLast(watch) }
            ) {
                try await deliver(watch)
                try await watch.renewDelivered()
            },
            recurring("journal-disk", Journal.syncInterval) { try await journal.sync() },
            recurring("roll-up", settings.intervals.rollup, isCutShort: true) {
                _ = try await ledger.usage.rollUpDue()
            },
            recurring("sweep", settings.intervals.sweep, startsAtOnce: true, isCutShort: true) {
                try await sweepOnce()
            },
            recurring("recount", .seconds(10), startsAtOnce: true, isCutShort: true) {
                try await recountOnce()
            },
            recurring("standing", .seconds(1), startsAtOnce: true, isCutShort: true) {
                metrics.raise(.standingMoves, by: try await ledger.subscriptions.evaluateDue())
            },
            recurring("figures", .seconds(10), startsAtOnce: true) {
                try await readFigures()
            },
            recurring("watch", .seconds(1)) { try await watch.poll() },
            // Last of these, so that it stops right after the requests and no other work holds it
            // up.
            recurring("checkpoint", settings.intervals.checkpoint, closing: checkpoint) {
                try await checkpoint()
            },
        ]
    }

    private func recurring(
        _ name: String, _ interval: Duration, startsAtOnce: Bool = false, isCutShort: Bool = false,
        closing: (@Sendable () async throws -> Void)? = nil,
        _ work: @escaping @Sendable () async throws -> Void
    ) -> RecurringService {
        RecurringService(
            name: name, interval: interval, readiness: readiness,
            shutdownFailures: shutdownFailures,
            metrics: metrics, logger: logger, startsAtOnce: startsAtOnce, isCutShort: isCutShort,
            closing: closing, work: work)
    }

    /// Counts the workers that share limits during an outage of Redis. The last number stays while
    /// PostgreSQL is down too.
    private func countWorkers() async throws {
        try await ledger.operations.heartbeat(worker: name.description, checkpointedThrough: nil)
        fallback.note(liveWorkers: try await ledger.operations.liveWorkers(within: 30))
    }

    /// Waits for late replies first: calls that Redis did not count go to the journal.
    private func deliverLast(_ watch: ChangeWatch) async throws {
        await fallback.awaitLateReplies(within: settings.shutdownTimeout / 4)
        try await deliver(watch)
        // Redis may be unreachable; the sweep of any worker writes it to Redis.
        try? await watch.renewDelivered()
        let bound = fallback.bound
        guard bound.missing > 0 || bound.excess > 0 else { return }
        logger.warning(
            "this worker stops, and the count of some calls decided during an outage is unknown",
            metadata: ["bound": "\(bound)"])
    }

    /// The metrics that come from PostgreSQL.
    func readFigures() async throws {
        metrics.keep(try await ledger.operations.figures())
    }

    private func deliver(_ watch: ChangeWatch) async throws {
        let added = try await journal.deliver(to: ledger) { await watch.take($0) }
        guard added > 0 else { return }
        logger.notice(
            "calls allowed during the outage of Redis are in the ledger",
            metadata: ["rows": "\(added)", "bound": "\(fallback.bound)"])
    }

    @Sendable private func checkpoint() async throws {
        try await checkpointer.run()
    }

    /// Counts users, patients and files again, once a day. Triggers keep their counters, so a
    /// difference means that a statement bypassed them. It works slowly, because no request waits
    /// for it.
    private func recountOnce() async throws {
        guard try await ledger.limits.isRecountDue() else { return }
        let startedAt = try await ledger.operations.databaseTime()
        var wrong = 0
        let outcome = try await ledger.limits.recount(rests: 9) { drift, _ in
            wrong += drift.count
            for entry in drift {
                metrics.raise(.countersWrong, entry.counter.rawValue)
                logger.warning(
                    "a counter was wrong and was corrected",
                    metadata: [
                        "clinic": "\(entry.clinic)", "counter": "\(entry.counter.rawValue)",
                        "kept": "\(entry.kept)", "counted": "\(entry.counted)",
                    ])
            }
        }
        if outcome.skipped > 0 {
            logger.warning(
                "clinics were not recounted: transactions held their counters",
                metadata: ["clinics": "\(outcome.skipped)"])
        }
        try await ledger.operations.recordJob(
            "recount", startedAt: startedAt, rowsWritten: Int64(wrong), ok: true)
    }

    /// Visits every clinic: writes its counts to the ledger, and updates its counter from
    /// PostgreSQL.
    func sweep() async throws -> SweepOutcome {
        try await ClinicWalk(ledger: ledger).run { clinics in
            let batch = try await counts.visit(clinics)
            var outcome = batch.outcome
            outcome += try await counterUpkeep.visit(batch)
            return outcome
        }
    }

    /// Sweeps, and records for reports that everything counted before is in the ledger.
    func sweepOnce() async throws {
        let startedAt = try await ledger.operations.databaseTime()
        let outcome = try await sweep()
        if outcome.isComplete {
            gate.endOpening()
            try await ledger.operations.noteSweep(
                startedAt: startedAt, rowsWritten: Int64(outcome.written))
        }
        logger.debug("swept", metadata: ["outcome": "\(outcome)"])
        guard outcome.failures > 0 else { return }
        logger.warning("clinics could not be renewed", metadata: ["clinics": "\(outcome.failures)"])
    }
}
