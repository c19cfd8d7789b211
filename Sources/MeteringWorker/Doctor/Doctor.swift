import Counters
import Ledger
import Logging
import Metering
import NIOPosix
import Postgres
import Redis

/// Reads the facts for the checks. Redis, PostgreSQL and the listening connection are read side
/// by side, each with its own deadlines, so that one that is down or hangs hides nothing of the
/// others.
struct Doctor: Sendable {
    let settings: WorkerSettings

    /// The time that one connection, or one statement, may take.
    private static let patience: Duration = .seconds(2)
    /// After this time doctor sends PostgreSQL no more statements.
    private static let databaseBudget: Duration = .seconds(8)
    /// The checks report everything that matters.
    static let silentLogger = Logger(label: "metering-worker.doctor") { _ in
        SwiftLogNoOpLogHandler()
    }

    func examine() async -> DoctorReport {
        async let redis = examineRedis()
        async let database = examineDatabase()
        let (redisFindings, databaseFindings) = await (redis, database)
        return DoctorReport(
            checks: databaseFindings.checks + redisFindings.checks + [
                .clocks(redis: redisFindings.clock, database: databaseFindings.clock)
            ])
    }

    private struct Findings: Sendable {
        var checks: [DoctorCheck] = []
        var clock: ClockOffset?
    }
}

// MARK: Redis

extension Doctor {
    private func examineRedis() async -> Findings {
        var configuration: RedisConfiguration
        do {
            guard let given = try settings.redis.configurationIfSet() else {
                return Findings(checks: [.redisNotSet])
            }
            configuration = given
        } catch let error as RedisError {
            return Findings(checks: [.redisUnavailable(error)])
        } catch {
            return Findings(checks: [.redisUnavailable(.configuration("\(error)"))])
        }
        configuration.connectTimeout = Self.patience
        configuration.connections = 1
        configuration.clientName = "metering-worker doctor"
        let client = RedisClient(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Self.silentLogger)
        var findings = await examine(client)
        findings.checks.append(.redisWire(configuration))
        await client.close()
        return findings
    }

    private func examine(_ client: RedisClient) async -> Findings {
        do throws(RedisError) {
            let info = try await client.info(timeout: Self.patience)
            return Findings(checks: DoctorCheck.redis(info), clock: await clock(of: client))
        } catch {
            return Findings(checks: [.redisUnavailable(error)])
        }
    }

    private func clock(of client: RedisClient) async -> ClockOffset? {
        let before = WallClock.now()
        guard let time = try? await RedisCounterStore(redis: client).now() else { return nil }
        return ClockOffset(
            beforeSecond: before, time: time, afterSecond: WallClock.now())
    }
}

// MARK: PostgreSQL

extension Doctor {
    private func examineDatabase() async -> Findings {
        let configuration: PostgresConfiguration
        do {
            configuration = try quick(settings.database.configuration())
        } catch {
            return Findings(checks: [
                .databaseAddress("\(error)"), .listening(await listen(saying: nil)),
            ])
        }
        let pool = PostgresPool(configuration: configuration, logger: Self.silentLogger)
        let ledger = Ledger(pool: pool)
        async let listening = listen(saying: ledger)
        var findings = await examine(ledger, Migrator(pool: pool))
        findings.checks.append(.listening(await listening))
        await pool.close()
        return findings
    }

    private func quick(_ given: PostgresConfiguration) -> PostgresConfiguration {
        var configuration = given
        configuration.connectTimeout = Self.patience
        configuration.waitTimeout = Self.patience
        configuration.callTimeout = Self.patience
        configuration.poolSize = 2
        configuration.applicationName = "metering-worker doctor"
        // A pooler that loses prepared statements must not hide the rest.
        configuration.preparedStatements = .never
        return configuration
    }

    private func listen(saying ledger: Ledger?) async -> ListenFacts {
        do {
            guard let given = try settings.database.listenConfiguration() else { return .notSet }
            return await ListenProbe.run(quick(given), saying: ledger, within: Self.patience * 3)
        } catch {
            return .badAddress("\(error)")
        }
    }

    private func examine(_ ledger: Ledger, _ migrator: Migrator) async -> Findings {
        var inquiry = Inquiry(end: .now + Self.databaseBudget)
        let session: SessionFacts
        do throws(LedgerError) { session = try await ledger.operations.session() } catch {
            return Findings(checks: [.databaseUnavailable(error)])
        }
        inquiry.take(.server(session))
        inquiry.take(.pooler(session, settings.database.preparedStatements))
        let clock = await clock(of: ledger)
        await inquiry.ask("login") { [.login(await problem(of: ledger))] }
        await inquiry.ask("roles") { [.roles(try await ledger.operations.roles())] }
        var isCurrent = false
        await inquiry.ask("migrations") {
            let state = try await migrator.state()
            isCurrent = state.isCurrent
            return [.migrations(state)]
        }
        if isCurrent { await examineKept(ledger, migrator, &inquiry) }
        return Findings(checks: inquiry.checks, clock: clock)
    }

    private func problem(of ledger: Ledger) async -> LedgerError? {
        do throws(LedgerError) {
            try await ledger.requireSafeRole()
            return nil
        } catch {
            return error
        }
    }

    private func clock(of ledger: Ledger) async -> ClockOffset? {
        let before = WallClock.now()
        guard let time = try? await ledger.operations.databaseTime() else { return nil }
        return ClockOffset(
            beforeSecond: before, time: time, afterSecond: WallClock.now())
    }

    /// The checks that need every migration.
    private func examineKept(
        _ ledger: Ledger, _ migrator: Migrator, _ inquiry: inout Inquiry
    ) async {
        await inquiry.ask("installation") {
            [.installation(try await ledger.operations.installation())]
        }
        await inquiry.ask("row-security") {
            [.rowSecurity(try await ledger.operations.openTables())]
        }
        await inquiry.ask("blind-logins") {
            [
                .blindLogins(
                    try await ledger.operations.blindLogins(),
                    later: try await migrator.blindLogins(forced: false))
            ]
        }
        await inquiry.ask("plans") { [.plans(try await ledger.plans.refused())] }
        await inquiry.ask("subscriptions") {
            [.subscriptions(without: try await ledger.limits.clinicsWithoutPlan())]
        }
        await inquiry.ask("limits") { [.limits(try await ledger.limits.mode())] }
        await inquiry.ask("workers") {
            [.workers(try await ledger.operations.workerSigns(within: 30))]
        }
        let jobs = await inquiry.get("sweep") {
            try await ledger.operations.latestRuns(of: ["sweep", "rollup"])
        }
        if let jobs, jobs.count == 2 {
            inquiry.take(.sweep(jobs[0], interval: settings.intervals.sweep.components.seconds))
            await inquiry.ask("rollup") {
                [
                    .rollup(
                        try await ledger.operations.waitingRollups(), byHand: jobs[1],
                        interval: settings.intervals.rollup.components.seconds)
                ]
            }
        }
        await inquiry.ask("outbox") {
            [.messages(try await ledger.operations.oldMessages(seconds: 86_400))]
        }
        await inquiry.ask("quarantine") { [.quarantine(try await ledger.operations.quarantined())] }
        await inquiry.ask("attention") {
            DoctorCheck.attention(try await ledger.operations.openAttention())
        }
    }
}

/// Statements to one PostgreSQL, until its time is over. A statement without a result is a check
/// that says so.
private struct Inquiry {
    let end: ContinuousClock.Instant
    private(set) var checks: [DoctorCheck] = []

    init(end: ContinuousClock.Instant) { self.end = end }

    mutating func take(_ check: DoctorCheck) { checks.append(check) }

    mutating func ask(_ name: String, _ question: () async throws -> [DoctorCheck]) async {
        checks += await get(name, question) ?? []
    }

    mutating func get<Answer>(
        _ name: String, _ question: () async throws -> Answer
    ) async -> Answer? {
        guard .now < end else {
            take(
                .fail(
                    name, "not checked: PostgreSQL took too long",
                    remedy: "see pg_stat_activity for what holds it up, then run doctor again"))
            return nil
        }
        do { return try await question() } catch {
            take(.unread(name, error))
            return nil
        }
    }
}
