import CPostgres

/// One result of a statement, freed with the last reference to it.
final class ServerResult {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }
    deinit { PQclear(result) }

    enum Kind { case row, rowsEnd, done, copyIn, copyOut, failed }

    var kind: Kind {
        switch PQresultStatus(result) {
        case PGRES_SINGLE_TUPLE: .row
        case PGRES_TUPLES_OK: .rowsEnd
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .done
        case PGRES_COPY_IN: .copyIn
        case PGRES_COPY_OUT, PGRES_COPY_BOTH: .copyOut
        default: .failed
        }
    }

    /// `COMMIT`, `INSERT 0 3`.
    var commandTag: String { PQcmdStatus(result).map { String(cString: $0) } ?? "" }

    /// Rows inserted, updated, deleted, selected or copied; 0 for commands that have no rows.
    var affected: Int { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }

    var shape: RowShape {
        let columns = 0..<PQnfields(result)
        return RowShape(
            names: columns.map { PQfname(result, $0).map { String(cString: $0) } ?? "" },
            types: columns.map { PQftype(result, $0) })
    }

    func row(_ shape: RowShape) -> PostgresRow {
        var bytes: [UInt8] = []
        var cells: [Range<Int>?] = []
        cells.reserveCapacity(shape.names.count)
        for column in 0..<Int32(shape.names.count) {
            guard PQgetisnull(result, 0, column) == 0, let value = PQgetvalue(result, 0, column)
            else {
                cells.append(nil)
                continue
            }
            let start = bytes.count
            let length = Int(PQgetlength(result, 0, column))
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: value, count: length))
            cells.append(start..<bytes.count)
        }
        return PostgresRow(shape: shape, bytes: bytes, cells: cells)
    }
}

extension ServerResult {
    var fields: ResultFields { ResultFields(result: result) }

    /// What a failed result says; `.connectionLost` when the session is over.
    var error: PostgresError {
        guard let sqlState = fields.sqlState, !fields.isFatal else {
            return .connectionLost(fields.sqlState)
        }
        return .server(
            PostgresServerError(
                sqlState: sqlState, schema: fields[.schema], table: fields[.table],
                column: fields[.column], constraint: fields[.constraint],
                dataType: fields[.dataType], routine: fields[.routine],
                position: fields[.position].flatMap { Int($0) },
                unsafeMessage: fields[.message] ?? "", unsafeDetail: fields[.detail],
                unsafeHint: fields[.hint]))
    }
}
