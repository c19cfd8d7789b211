import CPostgres
import Synchronization

extension PostgresConnection {
    /// Starts a statement and waits for its first result.
    ///
    /// A session behind a pooler may have lost the parsed statement (26000), and a changed table
    /// makes it useless (0A000 from the server's `RevalidateCachedQuery`). Outside a transaction
    /// nothing has happened then, so it is parsed and run once more; inside one the error goes to
    /// the caller.
    func begin(
        _ statement: PostgresStatement, _ block: ParameterBlock, on link: Link, _ deadline: Deadline
    ) async throws(PostgresError) -> ServerResult? {
        let first = try await attempt(statement, block, on: link, deadline)
        guard let first, first.kind == .failed, isStale(first) else { return first }
        state.withLock { $0.prepared[statement] = nil }
        while try await link.nextResult(deadline) != nil {}
        guard PQtransactionStatus(link.handle) == PQTRANS_IDLE else { throw first.error }
        return try await attempt(statement, block, on: link, deadline)
    }

    private func isStale(_ result: ServerResult) -> Bool {
        guard case .server(let error) = result.error else { return false }
        return error.sqlState == .undefinedPreparedStatement
            || (error.sqlState == .featureNotSupported && error.routine == "RevalidateCachedQuery")
    }

    private func attempt(
        _ statement: PostgresStatement, _ block: ParameterBlock, on link: Link, _ deadline: Deadline
    ) async throws(PostgresError) -> ServerResult? {
        let name = try await preparedName(statement, on: link, deadline)
        try await link.send(deadline) { handle in
            let accepted = block.withPointers { pointers in
                guard let name else {
                    return PQsendQueryParams(
                        handle, statement.text, pointers.count, nil, pointers.values,
                        pointers.lengths, pointers.formats, 0)
                }
                return PQsendQueryPrepared(
                    handle, name, pointers.count, pointers.values, pointers.lengths,
                    pointers.formats, 0)
            }
            // One row at a time: libpq would otherwise collect an answer of any size.
            return accepted == 1 ? PQsetSingleRowMode(handle) : accepted
        }
        return try await link.nextResult(deadline)
    }

    /// The name the server knows the statement by, parsed now if need be; nil to send the text.
    private func preparedName(
        _ statement: PostgresStatement, on link: Link, _ deadline: Deadline
    ) async throws(PostgresError) -> String? {
        guard configuration.preparedStatements else { return nil }
        let (known, fresh) = state.withLock { state -> (String?, String?) in
            if let name = state.prepared[statement] { return (name, nil) }
            guard state.prepared.count < Self.preparedMax else { return (nil, nil) }
            state.namesGiven += 1
            return (nil, "s\(state.namesGiven)")
        }
        guard let fresh else { return known }
        try await link.send(deadline) { PQsendPrepare($0, fresh, statement.text, 0, nil) }
        try await finish(link, statement, deadline)
        state.withLock { $0.prepared[statement] = fresh }
        return fresh
    }

    /// Reads the remaining results of a statement, and throws the first failure among them.
    @discardableResult
    func finish(
        _ link: Link, _ statement: PostgresStatement?, after first: ServerResult? = nil,
        _ deadline: Deadline
    ) async throws(PostgresError) -> ServerResult? {
        var last: ServerResult?
        var failure: PostgresError?
        var next = first
        if next == nil { next = try await link.nextResult(deadline) }
        while let result = next {
            switch result.kind {
            case .failed: failure = failure ?? result.error
            case .copyIn, .copyOut:
                // This call cannot serve a COPY, and the protocol has no way back but to end it.
                link.abandon()
                throw .unsuitableStatement("COPY needs copyIn or copyOut")
            case .row, .rowsEnd, .done: last = result
            }
            next = try await link.nextResult(deadline)
        }
        if let failure { throw failure.locating(in: statement?.text) }
        return last
    }

    /// Runs one of the driver's own commands, without parameters, and returns its tag.
    func command(
        _ text: String, on link: Link, _ deadline: Deadline
    ) async throws(PostgresError) -> String {
        try await link.send(deadline) { PQsendQuery($0, text) }
        return try await finish(link, nil, deadline)?.commandTag ?? ""
    }
}

extension PostgresError {
    /// Adds the line of `text` on which the server found the fault.
    func locating(in text: String?, statementNumber: Int? = nil) -> PostgresError {
        guard case .server(var error) = self else { return self }
        error.statementNumber = statementNumber
        if let text, let position = error.position {
            // The server counts characters, that is code points.
            let before = text.unicodeScalars.prefix(max(0, position - 1))
            error.line = 1 + before.count { $0 == "\n" }
        }
        return .server(error)
    }
}
