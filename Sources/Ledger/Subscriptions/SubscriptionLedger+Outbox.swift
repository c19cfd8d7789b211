import Postgres

extension SubscriptionLedger {
    /// Messages that are still open, oldest first.
    public func openMessages(most: Int = 100) async throws(LedgerError) -> [OutboxMessage] {
        try await stored {
            try await pool.query(SQL.outboxOpen, [.count(most)]).map { row in
                OutboxMessage(
                    id: try row.int64("id"), kind: try row.text("kind"),
                    payload: try row.text("payload"), createdAt: try row.time("created_at"))
            }
        }
    }

    /// Marks a message as done.
    ///
    /// - Returns: Whether it was open until now; nil when there is no such message.
    @discardableResult
    public func finishMessage(_ id: Int64) async throws(LedgerError) -> Bool? {
        try await stored {
            try await pool.query(SQL.outboxDone, [.int64(id)]).first.map {
                try !$0.bool("was_done")
            }
        }
    }
}
