/// The process ended in order, but not all that it wanted to write is written.
struct UnfinishedEnd: Error, CustomStringConvertible {
    let parts: [String]

    var description: String {
        "stopped, but \(parts.joined(separator: " and ")) failed at the end (see the log); Redis "
            + "still has the counts, and the next start or metering-worker rollup writes them"
    }
}
