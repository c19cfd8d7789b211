public import Values

/// Some whole rows of a COPY in text format, read field by field in the order of their columns.
///
/// ```
/// while rows.hasRow {
///     let (id, name) = (try rows.uuid(), try rows.optionalText())
///     try rows.endRow()
/// }
/// ```
public struct PostgresCopyRows: Sendable {
    private let bytes: [UInt8]
    /// Where the next field begins.
    private var place = 0
    /// How many fields of this row were read.
    private var column = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether another row begins here.
    public var hasRow: Bool { place < bytes.count }

    /// Ends a row whose fields have all been read.
    public mutating func endRow() throws(PostgresError) {
        guard place > 0, place <= bytes.count, bytes[place - 1] == Self.lineEnd else {
            throw wrong("the end of the row", found: "another field")
        }
        column = 0
    }

    public mutating func optionalText() throws(PostgresError) -> String? {
        let (field, isEscaped) = try next()
        guard isEscaped else { return String(decoding: bytes[field], as: UTF8.self) }
        guard let text = try CopyText.cells(Array(bytes[field])).first else {
            throw wrong("text", found: "nothing")
        }
        return text.map { String(decoding: $0, as: UTF8.self) }
    }

    public mutating func text() throws(PostgresError) -> String {
        guard let text = try optionalText() else { throw wrong("text", found: "null") }
        return text
    }

    public mutating func optionalInt64() throws(PostgresError) -> Int64? {
        let (field, isEscaped) = try next()
        if isEscaped { return try null("a whole number", field) }
        let isNegative = !field.isEmpty && bytes[field.lowerBound] == UInt8(ascii: "-")
        let digits = field.dropFirst(isNegative ? 1 : 0)
        guard !digits.isEmpty else { throw wrong("a whole number", found: "text") }
        var value: Int64 = 0
        for place in digits {
            let digit = Int64(bytes[place]) - Int64(UInt8(ascii: "0"))
            let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            // Below zero all the way, because the lowest number has no positive one.
            let (sum, isTooLow) = tens.subtractingReportingOverflow(digit)
            guard (0...9).contains(digit), !isTooLarge, !isTooLow else {
                throw wrong("a whole number", found: "text")
            }
            value = sum
        }
        if isNegative { return value }
        guard value != .min else { throw wrong("a whole number", found: "text") }
        return -value
    }

    public mutating func int64() throws(PostgresError) -> Int64 {
        guard let number = try optionalInt64() else {
            throw wrong("a whole number", found: "null")
        }
        return number
    }

    public mutating func uuid() throws(PostgresError) -> UniqueID {
        let (field, _) = try next()
        guard let uuid = UniqueID(ascii: bytes[field]) else {
            throw wrong("a uuid", found: "text")
        }
        return uuid
    }

    /// Takes the next field; escaped fields, NULL among them, hold a backslash.
    private mutating func next() throws(PostgresError) -> (Range<Int>, isEscaped: Bool) {
        guard place < bytes.count, column == 0 || bytes[place - 1] == Self.fieldEnd else {
            throw wrong("a field", found: "the end of the row")
        }
        let start = place
        var isEscaped = false
        while place < bytes.count {
            let byte = bytes[place]
            if byte == Self.fieldEnd || byte == Self.lineEnd { break }
            if byte == UInt8(ascii: "\\") { isEscaped = true }
            place += 1
        }
        guard place < bytes.count else { throw wrong("a whole row", found: "a part of it") }
        place += 1
        column += 1
        return (start..<(place - 1), isEscaped)
    }

    private func null(_ expected: String, _ field: Range<Int>) throws(PostgresError) -> Int64? {
        guard bytes[field].elementsEqual("\\N".utf8) else { throw wrong(expected, found: "text") }
        return nil
    }

    private func wrong(_ expected: String, found: String) -> PostgresError {
        .decoding(column: "\(column)", expected: expected, found: found)
    }

    private static let fieldEnd = UInt8(ascii: "\t")
    private static let lineEnd = UInt8(ascii: "\n")
}
