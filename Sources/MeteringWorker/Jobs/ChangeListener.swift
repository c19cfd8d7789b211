import Ledger
import Logging
import Metering
import Postgres
import ServiceLifecycle
import Synchronization

/// Receives changes from PostgreSQL at COMMIT and hands them to the watch, which keeps polling.
///
/// After each connection it sends a token through `DATABASE_URL`, which must come back: a pooler in
/// transaction mode accepts LISTEN without an error and never delivers.
struct ChangeListener: Service {
    private let listener: PostgresListener
    private let watch: ChangeWatch
    private let ledger: Ledger
    private let logger: Logger
    private let proof = ListenProof()

    /// How long the token may take to come back.
    static let patience: Duration = .seconds(3)

    init(
        _ address: PostgresConfiguration, watch: ChangeWatch, ledger: Ledger, logger: Logger
    ) {
        listener = PostgresListener(
            configuration: address,
            channels: [OperationsLedger.configChannel, OperationsLedger.keyChannel],
            logger: logger)
        (self.watch, self.ledger, self.logger) = (watch, ledger, logger)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await listener.run() }
                for await event in listener.events { await take(event) }
            }
        }
    }

    /// The poll repeats what fails here.
    private func take(_ event: PostgresListener.Event) async {
        do {
            switch event {
            case .listening:
                try await askForProof()
                try await watch.run()
                try await watch.renewKeys()
            case .notifications(let received): try await take(received)
            case .overflow:
                try await watch.run()
                try await watch.renewKeys()
            case .lost(let error):
                // Logged once, or an outage would fill the disk.
                guard proof.lose() else { return }
                logger.warning(
                    "no connection to DATABASE_LISTEN_URL; the worker tries again",
                    metadata: ["error": "\(error)"])
            }
        } catch {
            logger.debug(
                "a notified change could not be applied; the next poll applies it",
                metadata: ["error": "\(error)"])
        }
    }

    private func take(_ notifications: [PostgresNotification]) async throws {
        var clinics: Set<ClinicID> = []
        var (isMany, areKeys) = (false, false)
        for notification in notifications {
            if notification.channel == OperationsLedger.keyChannel {
                areKeys = true
            } else if let clinic = ClinicID(notification.payload) {
                clinics.insert(clinic)
            } else if notification.payload.hasPrefix(ListenProof.prefix) {
                if proof.take(notification.payload) {
                    logger.info("PostgreSQL notifies this worker of changes at once")
                }
            } else {
                isMany = true
            }
        }
        if !clinics.isEmpty { try await watch.renew(clinics) }
        if isMany { try await watch.run() }
        if areKeys { try await watch.renewKeys() }
    }

    private func askForProof() async throws {
        let token = proof.new()
        try await ledger.operations.notify(OperationsLedger.configChannel, token)
        Task {
            try await Task.sleep(for: Self.patience)
            guard proof.isOpen(token) else { return }
            logger.warning(
                """
                no notification arrives through DATABASE_LISTEN_URL: a pooler is in between, or it \
                leads to another database than DATABASE_URL; the worker polls for changes every \
                second
                """)
        }
    }
}

/// The token that must come back over the listening connection.
private final class ListenProof: Sendable {
    static let prefix = "test "

    private struct State {
        var expected: String?
        var isLost = false
    }

    private let state = Mutex(State())

    func new() -> String {
        let token = Self.prefix + String(UInt64.random(in: .min ... .max), radix: 16)
        state.withLock { $0 = State(expected: token) }
        return token
    }

    /// Whether this is the expected token; those of other workers come too.
    func take(_ token: String) -> Bool {
        state.withLock { state in
            guard state.expected == token else { return false }
            state.expected = nil
            return true
        }
    }

    func isOpen(_ token: String) -> Bool { state.withLock { $0.expected == token } }

    /// Whether there was a connection until now, or this was the first attempt.
    func lose() -> Bool {
        state.withLock { state in
            defer { state = State(isLost: true) }
            return !state.isLost
        }
    }
}
