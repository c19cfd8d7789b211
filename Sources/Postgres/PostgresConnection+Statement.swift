import CPostgres
import Synchronization

extension PostgresConnection {
    /// Starts a statement and waits for its first result.
    ///
    /// A session may have lost the parsed statement (26000), and a changed table makes it useless
    /// (0A000 from the server's `RevalidateCachedQuery`). Outside a transaction nothing has happened
    /// then, so it is parsed and run once more; inside one the error goes to the caller.
    func begin(
        _ statement: PostgresStatement, _ block: ParameterBlock, on link: Link, _ deadline: Deadline
    ) async throws(PostgresError) -> ServerResult? {
        let first = try await attempt(statement, block, on: link, deadline)
        guard let first, first.kind == .failed, let damage = Self.damage(first) else {
            return first
        }
        state.withLock { state in
            switch damage {
            case .lost: state.prepared[statement] = nil
            case .outdated: state.prepared[statement]?.isOutdated = true
            }
        }
        while try await link.nextResult(deadline) != nil {}
        guard PQtransactionStatus(link.handle) == PQTRANS_IDLE else { throw first.error }
        return try await attempt(statement, block, on: link, deadline)
    }

    /// What an error says about the parsed statement.
    private enum Damage { case lost, outdated }

    private static func damage(_ result: ServerResult) -> Damage? {
        guard case .server(let error) = result.error else { return nil }
        if error.sqlState == .undefinedPreparedStatement { return .lost }
        let isOutdated =
            error.sqlState == .featureNotSupported && error.routine == "RevalidateCachedQuery"
        return isOutdated ? .outdated : nil
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
        let (isWanted, known) = state.withLock { state in
            let known = state.prepared[statement]
            let hasSpace = known != nil || state.prepared.count < Self.preparedMax
            return (state.prepares && hasSpace, known)
        }
        guard isWanted else { return nil }
        if let known, !known.isOutdated { return known.name }
        let generation = known.map { $0.generation + 1 } ?? 0
        let name = statement.preparedName(generation: generation)
        let parsed = Parsed(name: name, generation: generation)
        try await link.send(deadline) { PQsendPrepare($0, name, statement.text, 0, nil) }
        do {
            try await finish(link, statement, deadline)
        } catch .server(let error) where error.sqlState == .duplicatePreparedStatement {
            // Another client of a pooler had this session and parsed the same text.
            state.withLock { $0.prepared[statement] = parsed }
            guard PQtransactionStatus(link.handle) == PQTRANS_IDLE else { throw .server(error) }
        }
        state.withLock { $0.prepared[statement] = parsed }
        return name
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
