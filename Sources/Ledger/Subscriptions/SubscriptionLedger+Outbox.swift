import Postgres

extension SubscriptionLedger {
    /// Messages that nobody has acted on, oldest first.
    public func openMessages(most: Int = 100) async throws(LedgerError) -> [OutboxMessage] {
        try await stored {
            try await pool.query(SQL.outboxOpen, [.count(most)]).map { row in
                OutboxMessage(
                    id: try row.int64("id"), kind: try row.text("kind"),
                    payload: try row.text("payload"), createdAt: try row.time("created_at"))
            }
        }
    }

    /// Says that a message was acted on; false when no such message is open.
    public func finishMessage(_ id: Int64) async throws(LedgerError) -> Bool {
        try await stored { !(try await pool.query(SQL.outboxDone, [.int64(id)]).isEmpty) }
    }
}
