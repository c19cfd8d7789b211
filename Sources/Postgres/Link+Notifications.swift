import CPostgres

extension Link {
    /// Messages that have arrived, in the order of their commits.
    func takeNotifications() throws(PostgresError) -> [PostgresNotification] {
        let handle = try live()
        var taken: [PostgresNotification] = []
        while let pointer = PQnotifies(handle) {
            defer { PQfreemem(pointer) }
            taken.append(
                PostgresNotification(
                    channel: String(cString: pointer.pointee.relname),
                    payload: String(cString: pointer.pointee.extra)))
        }
        return taken
    }

    /// Reads what arrives; false when nothing did before the deadline, and the connection stays
    /// good.
    func readInput(_ deadline: Deadline) async throws(PostgresError) -> Bool {
        let handle = try live()
        let socket = PQsocket(handle)
        guard socket >= 0 else { throw lost() }
        switch await SocketPoller.shared.wait(for: .readable, on: socket, until: deadline) {
        case .ready: break
        case .deadline: return false
        case .cancelled:
            close()
            throw .cancelled
        case .failed: throw lost()
        }
        // With TLS a record of 16 KiB may be decrypted already while a read takes 8 KiB.
        for _ in 0..<(PQsslInUse(handle) == 1 ? 3 : 1) {
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
        return true
    }
}
