import Ledger
import Logging
import Metering
import Postgres
import ServiceLifecycle
import Synchronization

/// Hears of changes from PostgreSQL at COMMIT and hands them to the watch, whose poll goes on beside it.
///
/// After each connection a word is sent through `DATABASE_URL` and has to come back: a pooler that lends
/// sessions by the transaction takes LISTEN without an error and never delivers.
struct ChangeListener: Service {
    private let listener: PostgresListener
    private let watch: ChangeWatch
    private let ledger: Ledger
    private let logger: Logger
    private let proof = ListenProof()

    /// The word has to be back after so long.
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

    /// What fails here the poll makes good.
    private func take(_ event: PostgresListener.Event) async {
        do {
            switch event {
            case .listening:
                try await askForProof()
                try await watch.run()
                try await watch.renewKeys()
            case .notifications(let heard): try await take(heard)
            case .overflow:
                try await watch.run()
                try await watch.renewKeys()
            case .lost(let error):
                // Said once, or an outage would fill the disk.
                guard proof.lose() else { return }
                logger.warning(
                    "there is no connection to DATABASE_LISTEN_URL; it is tried again",
                    metadata: ["error": "\(error)"])
            }
        } catch {
            logger.debug(
                "a change that was told could not be taken over; the poll does it",
                metadata: ["error": "\(error)"])
        }
    }

    private func take(_ heard: [PostgresNotification]) async throws {
        var clinics: Set<ClinicID> = []
        var (isMany, areKeys) = (false, false)
        for word in heard {
            if word.channel == OperationsLedger.keyChannel {
                areKeys = true
            } else if let clinic = ClinicID(word.payload) {
                clinics.insert(clinic)
            } else if word.payload.hasPrefix(ListenProof.prefix) {
                if proof.take(word.payload) {
                    logger.info("changes in PostgreSQL are told at once")
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
        let word = proof.new()
        try await ledger.operations.notify(OperationsLedger.configChannel, word)
        Task {
            try await Task.sleep(for: Self.patience)
            guard proof.isOpen(word) else { return }
            logger.warning(
                """
                nothing that PostgreSQL says comes through DATABASE_LISTEN_URL: a pooler stands in between, or \
                it leads to another database than DATABASE_URL; changes are asked for each second
                """)
        }
    }
}

/// The word that has to come back over the listening connection.
private final class ListenProof: Sendable {
    static let prefix = "test "

    private struct State {
        var expected: String?
        var isLost = false
    }

    private let state = Mutex(State())

    func new() -> String {
        let word = Self.prefix + String(UInt64.random(in: .min ... .max), radix: 16)
        state.withLock { $0 = State(expected: word) }
        return word
    }

    /// Whether it was the one that is expected; other workers' words come too.
    func take(_ word: String) -> Bool {
        state.withLock { state in
            guard state.expected == word else { return false }
            state.expected = nil
            return true
        }
    }

    func isOpen(_ word: String) -> Bool { state.withLock { $0.expected == word } }

    /// Whether a connection stood until now, or this was the first attempt.
    func lose() -> Bool {
        state.withLock { state in
            defer { state = State(isLost: true) }
            return !state.isLost
        }
    }
}
