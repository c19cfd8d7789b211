import Foundation

/// A file that a command reads whole, within a bound.
public enum InputFile {
    /// - Parameter path: `-` is stdin.
    public static func bytes(of path: String, most: Int) throws(InputFileError) -> [UInt8] {
        let data: Data
        do {
            let handle =
                path == "-"
                ? FileHandle.standardInput
                : try FileHandle(forReadingFrom: URL(filePath: path))
            data = try handle.read(upToCount: most + 1) ?? Data()
        } catch {
            throw InputFileError(
                path: path, problem: "cannot be read; check that it exists and who may read it")
        }
        guard data.count <= most else {
            throw InputFileError(path: path, problem: "is longer than \(most) bytes")
        }
        return Array(data)
    }
}
