import CPostgres

/// The rows of a statement, taken with COPY in pieces of many rows: the fast way for very many.
///
/// Sent when the first piece is read; a reader that leaves before the last one closes the
/// connection. Memory stays constant: a piece ends once it holds 64 KiB, or when nothing more is
/// there yet.
public struct PostgresCopyPieces: AsyncSequence {
    public typealias Element = PostgresCopyRows
    public typealias Failure = PostgresError

    let connection: PostgresConnection
    let statement: PostgresStatement
    let parameters: [PostgresValue]
    let timeout: Duration

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pieces: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let pieces: PostgresCopyPieces
        private let loan: LinkLoan
        private var isOver = false

        init(pieces: PostgresCopyPieces) {
            self.pieces = pieces
            self.loan = LinkLoan(pieces.connection)
        }

        public mutating func next() async throws(PostgresError) -> PostgresCopyRows? {
            try await next(isolation: #isolation)
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(PostgresError) -> PostgresCopyRows? {
            let deadline = Deadline(in: pieces.timeout)
            let (pieces, wasOver) = (pieces, isOver)
            let step = try await loan.step { link, isFirst throws(PostgresError) in
                guard !wasOver else { return nil as (bytes: [UInt8], isLast: Bool)? }
                if isFirst {
                    let text = try link.copyText(of: pieces.statement, pieces.parameters)
                    let copy = PostgresStatement(name: pieces.statement.name, text: text)
                    try await pieces.connection.beginCopy(copy, .copyOut, on: link, deadline)
                }
                let piece = try await link.copyPiece(deadline)
                if piece.isLast {
                    try await pieces.connection.finish(link, pieces.statement, deadline)
                }
                return piece
            }
            guard let step else { return nil }
            isOver = step.isLast
            return PostgresCopyRows(step.bytes)
        }
    }
}

extension PostgresConnection {
    /// The rows of a SELECT, through COPY, in constant memory.
    ///
    /// COPY takes no parameters, so they travel as literals that libpq quotes; see `LiteralText`.
    /// - Parameter timeout: Allowed for each wait for the server, not for the whole copy.
    public func copyOut(
        rowsOf statement: PostgresStatement, _ parameters: [PostgresValue] = [],
        timeout: Duration? = nil
    ) -> PostgresCopyPieces {
        PostgresCopyPieces(
            connection: self, statement: statement, parameters: parameters,
            timeout: timeout ?? configuration.callTimeout)
    }
}

extension Link {
    private static let pieceBytes = 64 * 1_024

    /// The lines that are there, at least one unless the copy is over; its outcome is then the next
    /// result.
    func copyPiece(
        _ deadline: Deadline
    ) async throws(PostgresError) -> (bytes: [UInt8], isLast: Bool) {
        var piece: [UInt8] = []
        piece.reserveCapacity(Self.pieceBytes + 4_096)
        // What came meanwhile is read without a wait. With TLS, decrypted bytes may even lie in the
        // library while the socket has none.
        var readsBeforeWait = PQsslInUse(try live()) == 1 ? 3 : 1
        while true {
            let handle = try live()
            var buffer: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(handle, &buffer, 1)
            if length > 0, let buffer {
                defer { PQfreemem(buffer) }
                piece.append(
                    contentsOf: UnsafeRawBufferPointer(start: buffer, count: Int(length)))
                if piece.count >= Self.pieceBytes { return (piece, false) }
                continue
            }
            guard length == 0 else {
                guard length == -1 else { throw lost() }
                return (piece, true)
            }
            if !piece.isEmpty { return (piece, false) }
            if readsBeforeWait == 0 { try await wait(for: .readable, deadline) }
            readsBeforeWait = max(0, readsBeforeWait - 1)
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
    }
}
