import Billing
import Reports
import Shell

/// Writes a report in pieces of 64 KiB, so memory does not grow with its rows.
struct ReportPieces: ~Copyable {
    private var writer: any ReportWriter
    private var file: ResultFile
    private var pending: [UInt8] = []
    private var rows = 0
    private var progress = ProgressLine()

    private static let pieceBytes = 65_536

    init(writer: any ReportWriter, path: String?) throws {
        self.writer = writer
        file = try ResultFile(path: path)
        pending.reserveCapacity(2 * Self.pieceBytes)
    }

    mutating func begin(_ head: ReportHead) throws {
        writer.begin(head, to: &pending)
        try flush(from: Self.pieceBytes)
    }

    mutating func add(_ cells: [ReportCell]) throws {
        writer.row(cells, to: &pending)
        rows += 1
        if pending.count >= Self.pieceBytes {
            progress.show("\(rows) rows")
            try flush(from: Self.pieceBytes)
        }
    }

    /// Writes the rest, then puts the file in place.
    mutating func end(_ age: ReportAge) throws {
        progress.clear()
        writer.end(age, to: &pending)
        try flush(from: 0)
        try file.place()
    }

    private mutating func flush(from bytes: Int) throws {
        guard pending.count >= bytes else { return }
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
