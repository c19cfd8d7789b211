public enum ResultFileError: Error, Hashable, CustomStringConvertible {
    /// Renaming over a directory, a device or a link would do harm.
    case notAFile(String)
    case notWritable(String, String)

    public var description: String {
        switch self {
        case .notAFile(let path):
            "\(path) exists and is not a regular file; give --output another name"
        case .notWritable(let path, let reason):
            "\(path) cannot be written: \(reason); check the directory and its free space"
        }
    }
}
