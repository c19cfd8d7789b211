import CPostgres

extension PostgresConnection {
    /// Asks for what is said on these channels from now on.
    func listen(to channels: [String]) async throws(PostgresError) {
        let deadline = deadline(nil)
        try await withLink { link throws(PostgresError) in
            for channel in channels {
                let name = channel.replacing("\"", with: "\"\"")
                _ = try await self.command("LISTEN \"\(name)\"", on: link, deadline)
            }
        }
    }

    /// The messages that come next, or none when nothing was said for so long.
    func nextNotifications(
        within patience: Duration
    ) async throws(PostgresError) -> [PostgresNotification] {
        let deadline = Deadline(in: patience)
        return try await withLink { link throws(PostgresError) in
            while true {
                let taken = try link.takeNotifications()
                if !taken.isEmpty { return taken }
                guard try await link.readInput(deadline) else { return [] }
            }
        }
    }

    /// A round trip that does nothing: a peer that vanished without a word does not answer it.
    func probe(within patience: Duration) async throws(PostgresError) {
        let deadline = Deadline(in: patience)
        try await withLink { link throws(PostgresError) in
            _ = try await self.command("", on: link, deadline)
        }
    }
}
