import CPostgres

extension PostgresConnection {
    /// Bytes collected before they are handed to libpq, and the most it holds unsent.
    private static let chunkBytes = 64 * 1_024

    /// Sends rows with `COPY … FROM STDIN` in text format and returns how many were stored.
    ///
    /// Memory stays constant: the next rows are drawn when the server has taken the last ones.
    /// All rows are stored or none.
    /// - Parameters:
    ///   - rows: One value for each column of the COPY. An error of `rows` ends the COPY and is
    ///     thrown.
    ///   - timeout: Allowed for each wait for the server, not for the whole copy.
    @discardableResult
    public func copyIn<Rows: AsyncSequence>(
        _ statement: PostgresStatement, rows: Rows, timeout: Duration? = nil
    ) async throws -> Int where Rows.Element == [PostgresValue] {
        var iterator = rows.makeAsyncIterator()
        return try await copyIn(statement, timeout) {
            try await iterator.next(isolation: #isolation)
        }
    }

    /// Like `copyIn` with an asynchronous sequence, for rows that are at hand or made one by one.
    @discardableResult
    public func copyIn<Rows: Sequence>(
        _ statement: PostgresStatement, rows: Rows, timeout: Duration? = nil
    ) async throws -> Int where Rows.Element == [PostgresValue] {
        var iterator = rows.makeIterator()
        return try await copyIn(statement, timeout) { iterator.next() }
    }

    private func copyIn(
        _ statement: PostgresStatement, _ timeout: Duration?,
        nextRow: () async throws -> [PostgresValue]?
    ) async throws -> Int {
        let timeout = timeout ?? configuration.callTimeout
        guard !Task.isCancelled else { throw PostgresError.cancelled }
        let link = try borrow()
        defer { giveBack(link) }
        do {
            try await beginCopy(statement, .copyIn, on: link, Deadline(in: timeout))
            try await sendRows(on: link, timeout, nextRow)
            try await link.endCopy(failed: false, timeout)
            return try await finish(link, statement, Deadline(in: timeout))?.affected ?? 0
        } catch let error as PostgresError {
            noteFailure(error)
            throw error
        }
    }

    private func sendRows(
        on link: Link, _ timeout: Duration, _ nextRow: () async throws -> [PostgresValue]?
    ) async throws {
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.chunkBytes + 4_096)
        while let row = try await producedRow(on: link, timeout, nextRow) {
            CopyText.append(row, to: &buffer)
            guard buffer.count >= Self.chunkBytes else { continue }
            try await link.putCopy(buffer, timeout)
            buffer.removeAll(keepingCapacity: true)
        }
        if !buffer.isEmpty { try await link.putCopy(buffer, timeout) }
    }

    /// A failure of the producer ends the COPY on the server first, so that nothing is stored.
    private func producedRow(
        on link: Link, _ timeout: Duration, _ nextRow: () async throws -> [PostgresValue]?
    ) async throws -> [PostgresValue]? {
        do { return try await nextRow() } catch {
            try await link.endCopy(failed: true, timeout)
            while try await link.nextResult(Deadline(in: timeout)) != nil {}
            throw error
        }
    }
}

extension Link {
    func putCopy(_ bytes: [UInt8], _ timeout: Duration) async throws(PostgresError) {
        guard !Task.isCancelled else {
            abandon()
            throw .cancelled
        }
        guard let count = Int32(exactly: bytes.count) else {
            abandon()
            throw .unsuitableStatement("a row of the COPY is larger than 2 GiB")
        }
        try await put(timeout) { handle in
            bytes.withUnsafeBytes {
                PQputCopyData(handle, $0.bindMemory(to: CChar.self).baseAddress, count)
            }
        }
    }

    func endCopy(failed: Bool, _ timeout: Duration) async throws(PostgresError) {
        try await put(timeout) {
            PQputCopyEnd($0, failed ? "the source of the rows failed" : nil)
        }
    }

    /// libpq answers 1 when it took the bytes, 0 when it first has to send others.
    private func put(
        _ timeout: Duration, _ body: (OpaquePointer) -> Int32
    ) async throws(PostgresError) {
        while true {
            switch body(try live()) {
            case 1: return try await flush(Deadline(in: timeout))
            case 0: try await flush(Deadline(in: timeout))
            default: throw lost()
            }
        }
    }
}
