/// The process shut down in order, but could not write everything.
struct UnfinishedEnd: Error, CustomStringConvertible {
    let parts: [String]

    var description: String {
        "stopped, but \(parts.joined(separator: " and ")) failed at the end (see the log); Redis "
            + "still has the counts, and the next start or metering-worker rollup writes them"
    }
}
