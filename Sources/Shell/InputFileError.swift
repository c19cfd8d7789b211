public import Values

public struct InputFileError: RequestError, Hashable, CustomStringConvertible {
    let path: String
    let problem: String

    public var fault: RequestFault? { .malformed }

    public var description: String { "\(path == "-" ? "stdin" : path) \(problem)" }
}
