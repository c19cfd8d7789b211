import DatabaseSupport
import LocalServers
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Postgres

@Suite(.timed) struct `A listener` {
    @Test func `hears what is said, in order, on its channels alone`() async throws {
        try await Heard.lend(channels: ["one", "Two\""]) { heard, pool in
            for number in 0..<50 {
                try await pool.execute(sql("SELECT pg_notify('one', '\(number)')"))
            }
            try await pool.execute(sql("SELECT pg_notify('three', 'not for us')"))
            try await pool.execute(sql("SELECT pg_notify('Two\"', '')"))
            try await waitUntil("the last word came") { heard.words.count == 51 }
            #expect(
                heard.words
                    == (0..<50).map { PostgresNotification(channel: "one", payload: "\($0)") }
                    + [PostgresNotification(channel: "Two\"", payload: "")])
        }
    }

    @Test func `hears nothing of what is rolled back, and all of one COMMIT at once`() async throws
    {
        try await Heard.lend(channels: ["one"]) { heard, pool in
            try await pool.script("BEGIN; NOTIFY one, 'never'; ROLLBACK")
            try await pool.script(
                "BEGIN; NOTIFY one, 'a'; NOTIFY one, 'b'; NOTIFY one, 'a'; COMMIT")
            try await waitUntil("both came") { heard.words.map(\.payload) == ["a", "b"] }
        }
    }

    @Test func `comes back after the server ended its session, and says so`() async throws {
        try await Heard.lend(channels: ["one"]) { heard, pool in
            for round in 1...3 {
                try await pool.execute(
                    sql(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE application_name = 'listener' AND datname = current_database()
                        """))
                try await waitUntil("it listens again") { heard.beginnings == round + 1 }
                #expect(heard.losses == round)
                try await pool.execute(sql("SELECT pg_notify('one', 'round \(round)')"))
                try await waitUntil("it hears again") {
                    heard.words.last?.payload == "round \(round)"
                }
            }
        }
    }

    @Test func `lives through silence, because the server answers its probes`() async throws {
        try await Heard.lend(channels: ["one"], probeInterval: .milliseconds(5)) { heard, pool in
            let start = ContinuousClock.now
            try await waitUntil("many probes have gone by") {
                ContinuousClock.now - start > .milliseconds(300)
            }
            try await pool.execute(sql("SELECT pg_notify('one', 'still here')"))
            try await waitUntil("it still hears") { heard.words.count == 1 }
            #expect(heard.beginnings == 1 && heard.losses == 0)
        }
    }

    @Test func `says why it has no connection, and goes on trying`() async throws {
        let silent = try SilentServer()
        var configuration = try PostgresConfiguration(
            "postgresql://nobody@127.0.0.1:\(silent.port)/none")
        configuration.connectTimeout = .milliseconds(50)
        let heard = Heard(configuration, channels: ["one"])
        let running = Task { await heard.run() }
        try await waitUntil("it tried twice") { heard.losses >= 2 }
        #expect(heard.lastLoss == .deadline(after: .milliseconds(50)))
        running.cancel()
        await running.value
    }
}

@Suite(.timed) struct `What a listener holds for its reader` {
    private func words(_ numbers: Range<Int>) -> PostgresListener.Event {
        .notifications(numbers.map { PostgresNotification(channel: "c", payload: "\($0)") })
    }

    @Test func `is all that was said since the last event`() async {
        let buffer = NotificationBuffer(mostMessages: 10)
        buffer.put(.listening)
        buffer.put(words(0..<4))
        buffer.put(words(4..<10))
        #expect(await buffer.next() == .listening)
        #expect(await buffer.next() == words(0..<10))
        buffer.put(words(0..<10))
        #expect(await buffer.next() == words(0..<10))
    }

    @Test func `is one word when it would be more than the bound`() async {
        let buffer = NotificationBuffer(mostMessages: 10)
        buffer.put(words(0..<10))
        for _ in 0..<1_000 { buffer.put(words(0..<5)) }
        #expect(await buffer.next() == .overflow)
        buffer.put(words(0..<5))
        #expect(await buffer.next() == words(0..<5))
    }

    @Test func `is the last word about the connection, however often it came and went`() async {
        let buffer = NotificationBuffer(mostMessages: 10)
        for _ in 0..<100 {
            buffer.put(.listening)
            buffer.put(.lost(.closed))
        }
        buffer.put(words(0..<1))
        buffer.put(.listening)
        #expect(await buffer.next() == words(0..<1))
        #expect(await buffer.next() == .listening)
        buffer.finish()
        #expect(await buffer.next() == nil)
    }

    @Test func `ends the wait of a reader that is cancelled`() async {
        let buffer = NotificationBuffer(mostMessages: 10)
        let reader = Task { await buffer.next() }
        reader.cancel()
        #expect(await reader.value == nil)
        buffer.put(.listening)
        #expect(await buffer.next() == .listening)
    }
}

/// Collects what a listener hears.
private final class Heard: Sendable {
    private struct State {
        var words: [PostgresNotification] = []
        var beginnings = 0
        var losses: [PostgresError] = []
    }

    private let listener: PostgresListener
    private let state = Mutex(State())

    init(
        _ configuration: PostgresConfiguration, channels: [String],
        probeInterval: Duration = .seconds(10)
    ) {
        listener = PostgresListener(
            configuration: configuration, channels: channels, probeInterval: probeInterval,
            logger: Logger(label: "test"))
    }

    static func lend(
        channels: [String], probeInterval: Duration = .seconds(10),
        _ body: (Heard, PostgresPool) async throws -> Void
    ) async throws {
        let database = try await TestDatabase.empty()
        var configuration = try PostgresConfiguration(
            database.server.superuserURL(database: database.name))
        configuration.applicationName = "listener"
        let heard = Heard(configuration, channels: channels, probeInterval: probeInterval)
        let pool = try database.pool()
        try await withResource(
            { Task { await heard.run() } },
            release: { running in
                running.cancel()
                await running.value
                await pool.close()
            }
        ) { _ in
            try await waitUntil("it listens") { heard.beginnings == 1 }
            try await body(heard, pool)
        }
    }

    func run() async {
        async let listening: Void = listener.run()
        for await event in listener.events {
            state.withLock { state in
                switch event {
                case .listening: state.beginnings += 1
                case .notifications(let words): state.words += words
                case .overflow: break
                case .lost(let error): state.losses.append(error)
                }
            }
        }
        await listening
    }

    var words: [PostgresNotification] { state.withLock { $0.words } }
    var beginnings: Int { state.withLock { $0.beginnings } }
    var losses: Int { state.withLock { $0.losses.count } }
    var lastLoss: PostgresError? { state.withLock { $0.losses.last } }
}
