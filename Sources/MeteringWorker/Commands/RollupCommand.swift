import ArgumentParser
import Counters
import Ledger
import Logging
import Metering
import NIOPosix
import Postgres
import Quotas
import Redis
import Shell

/// `metering-worker rollup`: what cron runs.
struct RollupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollup",
        abstract: "Set api_usage to the counts, only where it differs.",
        discussion: """
            Examples:
              metering-worker rollup
              metering-worker rollup --month 2026-10 --dry-run --format json
              metering-worker rollup --at-once 1

            Reads the counts of every clinic from Redis first, when REDIS_URL is set. Without \
            --month: every month with new counts. --dry-run prints how PostgreSQL's counts would \
            change rows. Safe to run 0, 1 or 5 times, late, or twice at \
            once. When Redis cannot be read, it rolls up PostgreSQL's counts and exits with code 1.
            """)

    @OptionGroup var options: SettingsOptions
    @Option(help: ArgumentHelp("Only this month, in UTC.", valueName: "YYYY-MM"), transform: month)
    var month: Month?
    @OptionGroup var dryRun: DryRun
    @Option(help: "The form of the output.")
    var format = OutputFormat.text

    /// Batches of clinics, and buckets, in progress at once: PostgreSQL uses one processor for each
    /// connection.
    @Option(
        help: ArgumentHelp(
            "How many connections write, 1 to 8; 1 slows checks on the same machine least.",
            valueName: "N"),
        transform: connections)
    var atOnce = 2
    /// A whole batch of the ledger.
    static let clinicsPerBatch = 5_000

    func run() async throws {
        let settings = try options.settings(quiet: true)
        let hasSwept = try await PostgresPool.used(with: settings.database.configuration()) {
            pool in
            let ledger = Ledger(pool: pool)
            try await ledger.requireLeastPrivilege()
            let months = try await months(of: ledger)
            let startedAt = try await ledger.operations.databaseTime()
            let swept = dryRun.isDry ? nil : try await sweep(settings, into: ledger)
            let written = try await rollUp(months, in: ledger, atOnce: lanes(settings))
            if !dryRun.isDry {
                try await ledger.operations.recordJob(
                    "rollup", startedAt: startedAt, rowsWritten: written, ok: swept == true)
            }
            if dryRun.isDry { try dryRun.end(wouldChange: written > 0) }
            return swept ?? true
        }
        guard hasSwept else { throw Outcome.failed }
    }

    static func month(_ text: String) throws -> Month {
        guard let month = Month(text) else {
            throw ValidationError("a month is written YYYY-MM, such as 2026-11")
        }
        return month
    }

    static func connections(_ text: String) throws -> Int {
        guard let count = Int(text), 1...8 ~= count else {
            throw ValidationError("a number of connections is 1 to 8, such as 2")
        }
        return count
    }

    /// Never more than there are connections, so that none is waited for in vain.
    private func lanes(_ settings: WorkerSettings) -> Int {
        min(atOnce, settings.database.connections)
    }

    /// nil: whatever is due after the sweep.
    private func months(of ledger: Ledger) async throws -> [Month]? {
        guard let month else { return nil }
        let current = try await ledger.usage.currentMonth()
        guard month <= current else { throw FutureMonth(month: month, current: current) }
        return [month]
    }

    /// Returns how many rows it wrote, or would write.
    private func rollUp(
        _ months: [Month]?, in ledger: Ledger, atOnce: Int
    ) async throws -> Int64 {
        var written: Int64 = 0
        var report = RollupReport(format: format, isDryRun: dryRun.isDry)
        try Console.write(report.begin())
        for month in try await due(months, in: ledger) {
            try Console.write(report.begin(month))
            let outcome =
                dryRun.isDry
                ? try await ledger.usage.previewRollUp(month) { change in
                    try Console.write(report.change(change))
                }
                : try await ledger.usage.rollUp(month, atOnce: atOnce)
            try Console.write(report.end(outcome))
            written += outcome.written
        }
        try Console.write(report.end())
        return written
    }

    private func due(_ months: [Month]?, in ledger: Ledger) async throws -> [Month] {
        guard let months else { return try await ledger.usage.dueMonths() }
        return months
    }

    /// Writes the counts that Redis holds to the ledger. False when Redis is unreachable, nil when
    /// none is named: it reports both, and the roll-up goes on with the counts in PostgreSQL.
    private func sweep(_ settings: WorkerSettings, into ledger: Ledger) async throws -> Bool? {
        let found: RedisConfiguration?
        do { found = try settings.redis.configurationIfSet() } catch let error as RedisError {
            throw StartError(redisSettings: error)
        }
        guard let configuration = found else {
            Console.note(
                "metering-worker: REDIS_URL is not set; rolling up PostgreSQL's counts only")
            return nil
        }
        let redis = RedisClient(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "metering-worker.redis"))
        let problem: (any Error)?
        do {
            let counts = CountSweep(
                counters: RedisCounterStore(redis: redis), ledger: ledger,
                plausibility: MarkPlausibility(perSecond: Int64(settings.markMaxPerSecond)))
            let walk = ClinicWalk(
                ledger: ledger, clinicsPerBatch: Self.clinicsPerBatch,
                batchesAtOnce: lanes(settings))
            _ = try await walk.run { try await counts.visit($0).outcome }
            problem = nil
        } catch {
            problem = error
        }
        await redis.close()
        guard let problem else { return true }
        let reason = Console.oneLine("\(problem)")
        Console.note(
            "metering-worker: could not read Redis (\(reason)); rolling up PostgreSQL's counts "
                + "only, run again when Redis is available")
        return false
    }
}
