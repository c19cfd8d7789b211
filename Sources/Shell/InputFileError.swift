public struct InputFileError: Error, Hashable, CustomStringConvertible {
    let path: String
    let problem: String

    public var description: String { "\(path == "-" ? "stdin" : path) \(problem)" }
}
