public import Logging

/// Receives notifications over a connection of its own, and connects again whenever that ends.
///
/// PostgreSQL keeps no notification, so those sent while there is no connection are lost. After
/// each `listening` and `overflow` the reader of `events` must therefore look at everything again.
/// The connection must lead to PostgreSQL itself: a pooler that lends sessions by the transaction
/// drops LISTEN without an error.
public final class PostgresListener: Sendable {
    public enum Event: Sendable, Hashable {
        /// A connection is made and listens, the first or another one.
        case listening
        /// What was sent since the last event, in the order of the commits.
        case notifications([PostgresNotification])
        /// More was sent than is held for a slow reader; all of it is dropped.
        case overflow
        /// The connection ended. The listener tries the next one by itself.
        case lost(PostgresError)
    }

    private let configuration: PostgresConfiguration
    private let channels: [String]
    private let probeInterval: Duration
    private let logger: Logger
    private let buffer: NotificationBuffer

    /// - Parameters:
    ///   - channels: Names as NOTIFY writes them, lower case.
    ///   - messagesMax: So many are held while the reader is busy.
    ///   - probeInterval: After so much silence the server has to answer something.
    public init(
        configuration: PostgresConfiguration, channels: [String], messagesMax: Int = 1_000,
        probeInterval: Duration = .seconds(10), logger: Logger
    ) {
        self.configuration = configuration
        self.channels = channels
        self.probeInterval = probeInterval
        self.logger = logger
        buffer = NotificationBuffer(mostMessages: messagesMax)
    }

    /// For one reader; ends when `run` has ended.
    public var events: Events { Events(buffer: buffer) }

    /// Listens until the task is cancelled.
    public func run() async {
        var failures = 0
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let error = await listen()
            guard !Task.isCancelled else { break }
            buffer.put(.lost(error))
            // A connection that stood for a while ended by chance, and the next one is due at once.
            failures = ContinuousClock.now - start > .seconds(10) ? 0 : failures + 1
            try? await Task.sleep(for: Self.pause(after: failures))
        }
        buffer.finish()
    }

    /// One connection from its beginning to its end, and why it ended.
    private func listen() async -> PostgresError {
        do throws(PostgresError) {
            let connection = try await PostgresConnection.open(configuration, logger: logger)
            defer { connection.close() }
            try await connection.listen(to: channels)
            buffer.put(.listening)
            while true {
                let received = try await connection.nextNotifications(within: probeInterval)
                if received.isEmpty {
                    try await connection.probe(within: configuration.connectTimeout)
                } else {
                    buffer.put(.notifications(received))
                }
            }
        } catch {
            return error
        }
    }

    /// 100 ms, doubled with each failure up to 10 s, of which 50 to 100 % are waited, so that many
    /// workers do not come back at one moment.
    private static func pause(after failures: Int) -> Duration {
        let full = Duration.milliseconds(100 << min(failures, 7))
        return min(full, .seconds(10)) / 100 * Int.random(in: 50...100)
    }
}

extension PostgresListener {
    public struct Events: AsyncSequence, Sendable {
        fileprivate let buffer: NotificationBuffer

        public func makeAsyncIterator() -> Iterator { Iterator(buffer: buffer) }

        public struct Iterator: AsyncIteratorProtocol {
            fileprivate let buffer: NotificationBuffer

            public func next() async -> Event? { await buffer.next() }
        }
    }
}
