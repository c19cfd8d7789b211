/// Text that is not JSON, or exceeds the bounds of the reader.
public struct JSONFault: Error, Hashable, CustomStringConvertible {
    /// Keys, and places in lists counted from 0, that lead to the fault; empty at the top.
    public let path: [String]
    /// Counted from 1.
    public let line: Int
    public let problem: String

    public var description: String {
        (path.isEmpty ? "" : path.joined(separator: ".") + " ") + "\(problem) (line \(line))"
    }
}
