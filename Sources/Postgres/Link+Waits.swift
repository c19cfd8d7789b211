import CPostgres

extension Link {
    func live() throws(PostgresError) -> OpaquePointer {
        guard let handle else { throw .closed }
        return handle
    }

    /// Gives libpq something to send. Its functions answer 1 when they took it.
    func send(
        _ deadline: Deadline, _ body: (OpaquePointer) -> Int32
    ) async throws(PostgresError) {
        let handle = try live()
        guard body(handle) == 1 else { throw lost() }
        try await flush(deadline)
    }

    /// Sends what libpq holds back. Reads meanwhile, or both sides could wait for each other for
    /// ever.
    func flush(_ deadline: Deadline) async throws(PostgresError) {
        while true {
            let handle = try live()
            switch PQflush(handle) {
            case 0: return
            case 1:
                try await wait(for: .readableOrWritable, deadline)
                guard PQconsumeInput(handle) == 1 else { throw lost() }
            default: throw lost()
            }
        }
    }

    /// The next result of the running statement, or nil after the last.
    func nextResult(_ deadline: Deadline) async throws(PostgresError) -> ServerResult? {
        try await waitWhile({ PQisBusy($0) == 1 }, deadline)
        guard let pointer = PQgetResult(try live()) else { return nil }
        let result = ServerResult(pointer)
        if result.kind == .failed, case .connectionLost(let state) = result.error {
            close()
            throw .connectionLost(state)
        }
        return result
    }

    /// Reads until libpq has enough to answer without blocking.
    private func waitWhile(
        _ isBusy: (OpaquePointer) -> Bool, _ deadline: Deadline
    ) async throws(PostgresError) {
        while true {
            let handle = try live()
            guard isBusy(handle) else { return }
            guard deadline.milliseconds > 0 else { throw overdue(deadline) }
            if takesPendingInput(handle, isBusy) { return }
            try await wait(for: .readable, deadline)
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
    }

    /// With TLS, bytes may lie decrypted in the library while the socket has none: a wait for the
    /// socket alone could last for ever. One record is 16 KiB and a read takes 8 KiB or more.
    private func takesPendingInput(
        _ handle: OpaquePointer, _ isBusy: (OpaquePointer) -> Bool
    ) -> Bool {
        guard PQsslInUse(handle) == 1 else { return false }
        for _ in 0..<3 where PQconsumeInput(handle) == 1 && !isBusy(handle) { return true }
        return false
    }

    func wait(
        for interest: SocketPoller.Interest, _ deadline: Deadline
    ) async throws(PostgresError) {
        let socket = PQsocket(try live())
        guard socket >= 0 else { throw lost() }
        guard deadline.milliseconds > 0 else { throw overdue(deadline) }
        switch await SocketPoller.shared.wait(for: interest, on: socket, until: deadline) {
        case .ready: return
        case .deadline: throw overdue(deadline)
        case .cancelled:
            abandon()
            throw .cancelled
        case .failed: throw lost()
        }
    }

    private func overdue(_ deadline: Deadline) -> PostgresError {
        abandon()
        return .deadline(after: deadline.limit)
    }

    /// Closes. A last word of the server, such as "terminating connection", may still be unread.
    func lost() -> PostgresError {
        defer { close() }
        guard let handle, PQstatus(handle) == CONNECTION_BAD,
            PQtransactionStatus(handle) == PQTRANS_UNKNOWN, let pointer = PQgetResult(handle)
        else { return .connectionLost(nil) }
        return .connectionLost(ServerResult(pointer).fields.sqlState)
    }
}
