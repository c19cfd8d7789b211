import Shell
import Ledger
import LocalServers
import Logging
import Metering
import Postgres
import Reports
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

    /// Runs to its end, or until SIGTERM or Ctrl-C, and ends what it started.
    func runUntilSignal() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await run() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { return }
            }
            // The first to end cancels the other: a signal ends the demo, the end of the demo ends
            // the wait for a signal.
            try await group.next()
            group.cancelAll()
            // Work that a signal cancelled is not a failure.
            try? await group.waitForAll()
        }
    }

    private func run() async throws {
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
        do {
            let (runs, calls) = try await database.history()
            let worker = try DemoWorker(database: database.workerURL, redis: servers.redis.url)
            let key = try await database.newKey(worker)
            try await worker.serve(beside: servers) { port in
                Console.note(
                    "run \(runs + 1), \(calls.grouped) calls so far; traffic from \(log.path)")
                try await play(log, worker, servers, database, key: key, port: port)
            }
        } catch {
            await database.close()
            throw error
        }
        await database.close()
    }

    static let logger = {
        var logger = Logger(label: "metering-demo")
        logger.logLevel = .error
        return logger
    }()

    private func play(
        _ log: AccessLogFile, _ worker: DemoWorker, _ servers: LocalServers,
        _ database: DemoDatabase, key: String, port: Int
    ) async throws {
        let startedAt = try await database.now()
        let first = try await Self.month(of: servers)
        let unlimited: @Sendable (DemoClinic) -> String? = { _ in "Unlimited" }
        let plan = accessLog == nil ? try await SamplePlans(log).plan : unlimited
        let traffic = DemoTraffic(log: log, port: port, key: key, database: database, plan: plan)
        let tally = try await traffic.play { Console.note($0) }
        _ = try await worker.run(["rollup"])
        try await database.noteRun(startedAt: startedAt)
        // The month in which the traffic started, and the one in which it ended when that is
        // another.
        let last = try await Self.month(of: servers)
        for month in first == last ? [first] : [first, last] { try await report(month, database) }
        Console.note(tally.sentence)
        for (reason, count) in tally.denied.sorted(by: { $0.key < $1.key }) {
            Console.note("denied by \(reason): \(count)")
        }
        guard !once else { return }
        try await show(database, key: key, server: "http://127.0.0.1:\(port)")
    }

    /// The month by the clock of Redis, which decides into which month a call counts.
    private static func month(of servers: LocalServers) async throws -> Month {
        let answer = try await servers.redis.client(["TIME"])
        guard let seconds = answer.split(whereSeparator: \.isNewline).first.flatMap({ Int64($0) }),
            let month = Month(containing: seconds * 1_000_000)
        else { throw NoTime(answer: answer) }
        return month
    }

    struct NoTime: Error, CustomStringConvertible {
        let answer: String
        var description: String { "Redis did not return its time: \(Console.oneLine(answer))" }
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
        let body = #"{"clinic_id":"\#(clinic.id)"}"#
        try Console.write(
            """

            See it again:  DATABASE_URL='\(database.adminURL)' billing report
            Send a call:   curl -s -H 'Authorization: Bearer \(key)' -d '\(body)' \(server)/v1/check
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
