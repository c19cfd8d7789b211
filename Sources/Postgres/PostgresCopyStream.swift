import CPostgres

/// The lines of `COPY … TO STDOUT`, read as they are wanted, in constant memory.
///
/// Sent when the first line is read; a reader that leaves before the last line closes the
/// connection.
public struct PostgresCopyStream: AsyncSequence {
    public typealias Element = PostgresCopyLine
    public typealias Failure = PostgresError

    let connection: PostgresConnection
    let statement: PostgresStatement
    let timeout: Duration

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let stream: PostgresCopyStream
        private let loan: LinkLoan

        init(stream: PostgresCopyStream) {
            self.stream = stream
            self.loan = LinkLoan(stream.connection)
        }

        public mutating func next() async throws(PostgresError) -> PostgresCopyLine? {
            try await next(isolation: #isolation)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(PostgresError) -> PostgresCopyLine? {
            let deadline = Deadline(in: stream.timeout)
            let (stream, loan) = (stream, loan)
            return try await loan.step { link, isFirst throws(PostgresError) in
                if isFirst {
                    let connection = stream.connection
                    try await connection.beginCopy(stream.statement, .copyOut, on: link, deadline)
                }
                if let line = try await link.copyLine(deadline) { return line }
                try await stream.connection.finish(link, stream.statement, deadline)
                return nil
            }
        }
    }
}

extension PostgresConnection {
    /// The lines of `COPY … TO STDOUT` as an asynchronous sequence in constant memory.
    /// - Parameter timeout: Allowed for each wait for the server, not for the whole copy.
    public func copyOut(_ statement: PostgresStatement, timeout: Duration? = nil)
        -> PostgresCopyStream
    {
        PostgresCopyStream(
            connection: self, statement: statement, timeout: timeout ?? configuration.callTimeout)
    }

    /// Starts a COPY. Any other statement is refused; what it did outside a transaction stays done.
    func beginCopy(
        _ statement: PostgresStatement, _ wanted: ServerResult.Kind, on link: Link,
        _ deadline: Deadline
    ) async throws(PostgresError) {
        try await link.send(deadline) { PQsendQuery($0, statement.text) }
        let first = try await link.nextResult(deadline)
        if first?.kind == wanted { return }
        try await finish(link, statement, after: first, deadline)
        throw .unsuitableStatement("it is no COPY in this direction")
    }
}

extension Link {
    /// The next line, or nil when the copy is over; its outcome is then the next result.
    func copyLine(_ deadline: Deadline) async throws(PostgresError) -> PostgresCopyLine? {
        // With TLS, decrypted bytes may wait in the library while the socket has none: read first.
        var readsBeforeWait = PQsslInUse(try live()) == 1 ? 3 : 0
        while true {
            let handle = try live()
            var buffer: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(handle, &buffer, 1)
            if length > 0, let buffer {
                defer { PQfreemem(buffer) }
                let bytes = UnsafeRawBufferPointer(start: buffer, count: Int(length))
                return PostgresCopyLine(bytes: Array(bytes))
            }
            guard length == 0 else {
                guard length == -1 else { throw lost() }
                return nil
            }
            if readsBeforeWait == 0 { try await wait(for: .readable, deadline) }
            readsBeforeWait = max(0, readsBeforeWait - 1)
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
    }
}
