import CPostgres

/// The parts of an error or a notice.
struct ResultFields {
    let result: OpaquePointer

    /// The protocol's letters; libpq's own names for them are macros that Swift cannot see.
    enum Letter: Unicode.Scalar {
        case severity = "V"
        case sqlState = "C"
        case message = "M"
        case detail = "D"
        case hint = "H"
        case position = "P"
        case schema = "s"
        case table = "t"
        case column = "c"
        case dataType = "d"
        case constraint = "n"
        case routine = "R"
    }

    subscript(letter: Letter) -> String? {
        PQresultErrorField(result, Int32(letter.rawValue.value)).map { String(cString: $0) }
    }

    /// The session ends with this error.
    var isFatal: Bool { ["FATAL", "PANIC"].contains(self[.severity]) }

    /// Nil when the error is libpq's own, not the server's.
    var sqlState: SQLState? { self[.sqlState].flatMap { SQLState($0) } }
}
