import AsyncHTTPClient
import Counters
import Ledger
import LocalServers
import Logging
import Metering
import NIOCore
import NIOPosix
import Postgres
import Reports
import ServiceLifecycle
import Shell
import UnixSignals

/// The main job from end to end on private servers: traffic, checks, counters, roll-up, report.
struct Demo: Sendable {
    /// Nil = the sample log that comes with the program.
    var accessLog: String?
    /// Only the report on stdout, and then the end.
    var once: Bool
    var fresh: Bool
    var format: ReportFormat

    /// The data of all runs started in one directory.
    static let dataDirectory = ".local/demo"

    func run() async throws {
        let log = AccessLogFile(path: try accessLog ?? SampleLog.path())
        let servers = try await LocalServers.start(keepingDataIn: Self.dataDirectory) {
            Console.note($0)
        }
        do {
            try await run(log, on: servers)
        } catch {
            await servers.stop()
            throw error
        }
        await servers.stop()
    }

    private func run(_ log: AccessLogFile, on servers: LocalServers) async throws {
        let database = try await DemoDatabase.prepare(servers, fresh: fresh)
        let (runs, calls) = try await database.history()
        Console.note("run \(runs + 1), \(calls.grouped) calls so far; traffic from \(log.path)")
        let key = try await database.newKey()
        let settings = try WorkerSettings(
            environment: [
                "DATABASE_URL": database.workerURL, "REDIS_URL": servers.redis.url,
                "HTTP_PORT": "0", "METERING_CHECK_TIMEOUT": "5s", "LOG_LEVEL": "error",
                // Every call is decided by the one counter, however slow the machine.
                "METERING_WHEN_AWAY": "deny", "METERING_LOAD_TIMEOUT": "3s",
                "METERING_UNKNOWN_PER_SECOND": "1000",
                "HTTP_ADMIN": "false",
            ], file: nil)
        let worker = try await Worker.connect(settings, logger: Self.logger)
        do {
            try await serve(worker) { port in
                try await play(log, worker, database, key: key, port: port)
            }
        } catch {
            await worker.disconnect()
            await database.close()
            throw error
        }
        await worker.disconnect()
        await database.close()
    }

    private static let logger = {
        var logger = Logger(label: "metering-worker.demo")
        logger.logLevel = .error
        return logger
    }()

    /// Runs the worker while `body` does its part; ends it when `body` has ended.
    private func serve(
        _ worker: Worker, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let (ports, found) = AsyncStream<Int>.makeStream()
        let services = try await worker.services(signals: [.sigterm, .sigint]) { found.yield($0) }
        let failures = await withTaskGroup(of: (isWorker: Bool, failure: (any Error)?).self) {
            group in
            group.addTask {
                defer { found.finish() }
                do { try await services.run() } catch { return (true, error) }
                return (true, nil)
            }
            group.addTask {
                do {
                    for await port in ports {
                        try await body(port)
                        break
                    }
                } catch { return (false, error) }
                return (false, nil)
            }
            // Whichever ends first ends the other: Ctrl-C the demo, the demo's last line the worker.
            var failures: [any Error] = []
            for await (isWorker, failure) in group {
                if let failure { failures.append(failure) }
                if isWorker { group.cancelAll() } else { await services.triggerGracefulShutdown() }
            }
            return failures
        }
        if let failure = failures.first(where: { !($0 is CancellationError) }) { throw failure }
    }

    private func play(
        _ log: AccessLogFile, _ worker: Worker, _ database: DemoDatabase, key: String, port: Int
    ) async throws {
        let server = "http://127.0.0.1:\(port)"
        let startedAt = try await worker.ledger.operations.databaseTime()
        let first = try await worker.counters.now()
        let unlimited: @Sendable (DemoClinic) -> String? = { _ in "Unlimited" }
        let plan = accessLog == nil ? try await SamplePlans(log).plan : unlimited
        let traffic = DemoTraffic(
            log: log, server: server, key: key, database: database, plan: plan)
        let client = HTTPClient(eventLoopGroupProvider: .shared(worker.group))
        let tally: TrafficTally
        do {
            tally = try await traffic.play(client) { Console.note($0) }
            try await client.shutdown()
        } catch {
            try await client.shutdown()
            throw error
        }
        try await worker.checkpointer.run()
        try await worker.sweepOnce()
        _ = try await worker.ledger.usage.rollUpDue()
        try await database.noteRun(startedAt: startedAt)
        for month in try await months(from: first, worker) {
            try await report(month, database)
        }
        Console.note(tally.sentence)
        for (reason, count) in tally.denied.sorted(by: { $0.key < $1.key }) {
            Console.note("denied by \(reason): \(count)")
        }
        guard !once else { return }
        try await show(database, key: key, server: server)
    }

    /// The month in which the traffic began, and the one in which it ended when that is another.
    private func months(from first: Int64, _ worker: Worker) async throws -> [Month] {
        let last = try await worker.counters.now()
        let months = [first, last].compactMap(Month.init(containing:))
        return months.first == months.last ? Array(months.prefix(1)) : months
    }

    private func report(_ month: Month, _ database: DemoDatabase) async throws {
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(database.adminURL), logger: Self.logger)
        do {
            let ledger = Ledger(pool: pool)
            let age = try await ledger.reports.age(of: month)
            var writer = format.writer()
            var page: [UInt8] = []
            writer.begin(ReportHead(month: month), to: &page)
            try await ledger.reports.rows(of: month) { row in
                writer.row(row.cells, to: &page)
                try Console.write(page)
                page.removeAll(keepingCapacity: true)
            }
            writer.end(age, to: &page)
            try Console.write(page)
        } catch {
            await pool.close()
            throw error
        }
        await pool.close()
    }

    private func show(_ database: DemoDatabase, key: String, server: String) async throws {
        let clinic = DemoClinic(host: "try-me.clinic.example")
        try await database.add([(clinic, "Practice")])
        try Console.write(
            """

            See it again:  DATABASE_URL='\(database.adminURL)' billing report
            Send a call:   curl -s -H 'Authorization: Bearer \(key)' -d '{"clinic_id":"\(clinic.id)"}' \(server)/v1/check
            Keep serving:  metering-worker demo   (on a terminal, until Ctrl-C)

            """)
        guard Console.hasTerminal else { return }
        Console.note("serving at \(server) until Ctrl-C")
        for await _ in AsyncStream<Never>.makeStream().stream {}
    }
}

extension Int64 {
    /// 4000 → `4,000`.
    fileprivate var grouped: String {
        var digits = Array(String(magnitude))
        for place in stride(from: digits.count - 3, to: 0, by: -3) {
            digits.insert(",", at: place)
        }
        return (self < 0 ? "-" : "") + String(digits)
    }
}
