import CPostgres

extension PostgresConnection {
    /// Runs a statement and returns its rows.
    /// - Parameters:
    ///   - parameters: The values of `$1`, `$2`, …
    ///   - rowsMax: An answer with more rows is refused, and the connection closed.
    ///   - timeout: Allowed for the whole call; the configuration's `callTimeout` by default.
    public func query(
        _ statement: PostgresStatement, _ parameters: [PostgresValue] = [], rowsMax: Int = 100_000,
        timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRow] {
        let block = try ParameterBlock(parameters)
        let deadline = deadline(timeout)
        return try await withLink(naming: statement.name) { link throws(PostgresError) in
            var rows: [PostgresRow] = []
            var shape: RowShape?
            var next = try await self.begin(statement, block, on: link, deadline)
            while let result = next, result.kind == .row {
                guard rows.count < rowsMax else {
                    link.abandon()
                    throw .tooManyRows(limit: rowsMax)
                }
                let known = shape ?? result.shape
                shape = known
                rows.append(result.row(known))
                next = try await link.nextResult(deadline)
            }
            if next != nil { try await self.finish(link, statement, after: next, deadline) }
            return rows
        }
    }

    /// Runs a statement and returns how many rows it changed. Rows that it returns are dropped.
    /// - Parameter timeout: Allowed for the whole call; the configuration's `callTimeout` by
    ///   default.
    @discardableResult
    public func execute(
        _ statement: PostgresStatement, _ parameters: [PostgresValue] = [], timeout: Duration? = nil
    ) async throws(PostgresError) -> Int {
        let block = try ParameterBlock(parameters)
        let deadline = deadline(timeout)
        return try await withLink(naming: statement.name) { link throws(PostgresError) in
            let first = try await self.begin(statement, block, on: link, deadline)
            guard let first else { return 0 }
            return try await self.finish(link, statement, after: first, deadline)?.affected ?? 0
        }
    }

    /// Runs several statements separated by semicolons, without parameters, for example a
    /// migration.
    ///
    /// Outside a transaction, and without BEGIN in it, the script is one transaction. An error
    /// tells which statement failed and, where the server says it, the line.
    /// - Parameter timeout: Allowed for the whole script; the configuration's `callTimeout` by
    ///   default.
    public func script(_ text: String, timeout: Duration? = nil) async throws(PostgresError) {
        guard !text.utf8.contains(0) else { throw .server(.nulCharacter) }
        let deadline = deadline(timeout)
        try await withLink { link throws(PostgresError) in
            try await link.send(deadline) {
                let accepted = PQsendQuery($0, text)
                return accepted == 1 ? PQsetSingleRowMode($0) : accepted
            }
            try await self.finishScript(text, on: link, deadline)
        }
    }

    private func finishScript(
        _ text: String, on link: Link, _ deadline: Deadline
    ) async throws(PostgresError) {
        var statementNumber = 1
        var failure: PostgresError?
        while let result = try await link.nextResult(deadline) {
            switch result.kind {
            case .row: break
            case .rowsEnd, .done: statementNumber += 1
            case .copyIn, .copyOut:
                link.abandon()
                throw .unsuitableStatement("a script cannot COPY from or to its client")
            case .failed:
                failure =
                    failure
                    ?? result.error.locating(
                        in: text, statementNumber: statementNumber)
            }
        }
        if let failure { throw failure }
    }
}
