import CPostgres

/// The rows of a statement, read as they are wanted: memory stays constant for any number of rows.
///
/// The statement is sent when the first row is read. The connection is busy until the last row
/// was read; a reader that leaves earlier closes it.
public struct PostgresRowStream: AsyncSequence {
    public typealias Element = PostgresRow
    public typealias Failure = PostgresError

    let connection: PostgresConnection
    let statement: PostgresStatement
    let parameters: [PostgresValue]
    let timeout: Duration

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let stream: PostgresRowStream
        private let loan: LinkLoan
        private var shape: RowShape?

        init(stream: PostgresRowStream) {
            self.stream = stream
            self.loan = LinkLoan(stream.connection)
        }

        public mutating func next() async throws(PostgresError) -> PostgresRow? {
            try await next(isolation: #isolation)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(PostgresError) -> PostgresRow? {
            let deadline = Deadline(in: stream.timeout)
            let (stream, loan) = (stream, loan)
            let result = try await loan.step { link, isFirst throws(PostgresError) in
                let connection = stream.connection
                var next: ServerResult?
                if isFirst {
                    let block = try ParameterBlock(stream.parameters)
                    next = try await connection.begin(stream.statement, block, on: link, deadline)
                } else {
                    next = try await link.nextResult(deadline)
                }
                if let row = next, row.kind == .row { return row }
                if next != nil {
                    try await connection.finish(link, stream.statement, after: next, deadline)
                }
                return nil
            }
            guard let result else { return nil }
            let known = shape ?? result.shape
            shape = known
            return result.row(known)
        }
    }
}

extension PostgresConnection {
    /// The rows of a statement as an asynchronous sequence in constant memory.
    /// - Parameter timeout: Allowed for each wait for the server, not for the whole stream.
    public func stream(
        _ statement: PostgresStatement, _ parameters: [PostgresValue] = [], timeout: Duration? = nil
    ) -> PostgresRowStream {
        PostgresRowStream(
            connection: self, statement: statement, parameters: parameters,
            timeout: timeout ?? configuration.callTimeout)
    }
}
