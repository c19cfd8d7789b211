import Billing
import FrontDoor
import Metering
import Reports

/// A report on its way out: rows in, pieces of 64 KiB out, so memory does not grow with it.
struct ReportPage: ~Copyable {
    private var writer: any ReportWriter
    private var file: ResultFile
    private var pending: [UInt8] = []
    private var rows = 0
    private var progress = ProgressLine()

    private static let pieceBytes = 65_536

    init(writer: any ReportWriter, path: String?) throws {
        self.writer = writer
        file = try ResultFile(path: path)
    }

    mutating func begin(_ month: Month) throws { try put(writer.begin(month: month)) }

    mutating func add(_ row: ReportRow) throws {
        try put(writer.row(row))
        rows += 1
        progress.show("\(rows) clinics")
    }

    /// Writes the rest; only now does a file appear.
    mutating func end(_ age: ReportAge) throws {
        progress.clear()
        try put(writer.end(age))
        try flush()
        try file.place()
    }

    private mutating func put(_ bytes: [UInt8]) throws {
        pending += bytes
        if pending.count >= Self.pieceBytes { try flush() }
    }

    private mutating func flush() throws {
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
