import CPostgres
import Values

/// The text of a statement with a literal in the place of each `$n`: for COPY, which takes no
/// parameters.
enum LiteralText {
    /// Replaces the parameters of a statement, and leaves its comments out.
    ///
    /// Only what this reads is taken: line comments, `'…'`, `"…"` and `$n`. A statement with other
    /// quoting is refused, because a literal could end inside it.
    /// - Parameter literals: `literals[0]` stands for `$1`. Each is quoted by libpq already.
    static func text(
        of statement: PostgresStatement, literals: [String]
    ) throws(PostgresError) -> String {
        var text: [UInt8] = []
        var rest = Array(statement.text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "-") where rest.first == UInt8(ascii: "-"):
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "/") where rest.first == UInt8(ascii: "*"):
                throw .unsuitableStatement("it has a comment between /* and */")
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                guard text.last.map(isPrefix) != true else {
                    throw .unsuitableStatement("it has a string with a prefix, such as E''")
                }
                guard let end = rest.firstIndex(of: byte) else {
                    throw .unsuitableStatement("it has a quote without an end")
                }
                text.append(byte)
                text += rest[...end]
                rest = rest[(end + 1)...]
            case UInt8(ascii: "$"):
                text += try literal(&rest, of: literals).utf8
            default: text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func literal(
        _ rest: inout ArraySlice<UInt8>, of literals: [String]
    ) throws(PostgresError) -> String {
        let digits = rest.prefix(while: \.isASCIIDigit)
        rest = rest.dropFirst(digits.count)
        guard let number = Int(String(decoding: digits, as: UTF8.self)),
            literals.indices.contains(number - 1)
        else { throw .unsuitableStatement("it has a $ that is no parameter of the call") }
        return literals[number - 1]
    }

    /// Whether a quote after this byte may start something other than a plain string: `E'`, `U&'`.
    private static func isPrefix(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "&"), UInt8(ascii: "$"), UInt8(ascii: "_"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: byte >= 0x80
        }
    }
}

extension Link {
    /// `COPY (statement) TO STDOUT`, its parameters in it as literals.
    func copyText(
        of statement: PostgresStatement, _ parameters: [PostgresValue]
    ) throws(PostgresError) -> String {
        var literals: [String] = []
        for parameter in parameters { literals.append(try literal(parameter)) }
        return "COPY (\(try LiteralText.text(of: statement, literals: literals))) TO STDOUT"
    }

    /// The value between quotes, as libpq writes it for the encoding of this session.
    func literal(_ value: PostgresValue) throws(PostgresError) -> String {
        guard let text = value.text else { return "NULL" }
        guard !text.utf8.contains(0) else { throw .server(.nulCharacter) }
        let handle = try live()
        let quoted = text.utf8CString.withUnsafeBufferPointer {
            PQescapeLiteral(handle, $0.baseAddress, $0.count - 1)
        }
        guard let quoted else { throw .unsuitableStatement("a parameter is no text") }
        defer { PQfreemem(quoted) }
        return String(cString: quoted)
    }
}
