import CPostgres
import Logging
import Synchronization

extension PostgresConnection {
    /// Runs `body` in a transaction: COMMIT when it returns, ROLLBACK when it throws.
    ///
    /// After a serialization failure or a deadlock everything is run again, also when `body`
    /// wrapped the error in one of its own, so `body` must be able to run up to `1 + retries`
    /// times. When the answer to COMMIT is lost, nothing is run again and `.commitUnknown` is
    /// thrown.
    public func transaction<Answer>(
        _ isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false, retries: Int = 5,
        _ body: (PostgresConnection) async throws -> Answer
    ) async throws -> Answer {
        var attempt = 0
        while true {
            do {
                return try await transactionOnce(isolation, readOnly: readOnly, body)
            } catch {
                attempt += 1
                let mayRetry = state.withLock { $0.sawRetryable } && isIdle
                guard mayRetry, attempt <= retries else { throw error }
                logger.debug("running a transaction again", metadata: ["attempt": "\(attempt)"])
                try await pause(before: attempt)
            }
        }
    }

    private func transactionOnce<Answer>(
        _ isolation: PostgresIsolation, readOnly: Bool,
        _ body: (PostgresConnection) async throws -> Answer
    ) async throws -> Answer {
        try await begin(isolation, readOnly: readOnly)
        let answer: Answer
        do { answer = try await body(self) } catch {
            await rollBack()
            throw error
        }
        try await commit()
        return answer
    }

    private func begin(_ isolation: PostgresIsolation, readOnly: Bool) async throws(PostgresError) {
        let deadline = deadline(nil)
        try await withLink { link throws(PostgresError) in
            guard PQtransactionStatus(link.handle) == PQTRANS_IDLE else {
                throw .unsuitableStatement("a transaction is open already")
            }
            self.state.withLock { $0.sawRetryable = false }
            let mode = readOnly ? "READ ONLY" : "READ WRITE"
            let text = "BEGIN ISOLATION LEVEL \(isolation.rawValue) \(mode)"
            _ = try await self.command(text, on: link, deadline)
        }
    }

    /// A cancelled task cannot wait for ROLLBACK; closing the session has the same effect.
    private func rollBack() async {
        let deadline = deadline(nil)
        do {
            try await withLink { link throws(PostgresError) in
                _ = try await self.command("ROLLBACK", on: link, deadline)
            }
        } catch {
            close()
        }
    }

    private func commit() async throws(PostgresError) {
        guard !Task.isCancelled else {
            close()
            throw .cancelled
        }
        let deadline = deadline(nil)
        let tag: String
        do {
            tag = try await withLink(naming: "COMMIT") { link throws(PostgresError) in
                try await self.command("COMMIT", on: link, deadline)
            }
        } catch {
            switch error {
            // Refused before anything was sent.
            case .closed, .connectionBusy: throw error
            // The server answered, and what it answered to COMMIT is that it did not happen.
            case .server: throw error
            default: throw .commitUnknown
            }
        }
        guard tag == "COMMIT" else { throw .rolledBack }
    }

    /// Waits 1 to 2 times 4, 8, 16 … at most 256 ms: two victims of each other come back apart.
    private func pause(before attempt: Int) async throws {
        let base = Int64(4) << Int64(min(attempt - 1, 6))
        do {
            try await Task.sleep(for: .milliseconds(Int64.random(in: base...(2 * base))))
        } catch {
            throw PostgresError.cancelled
        }
    }
}
