import Foundation

/// A small file, read whole.
enum SmallFile {
    /// Settings and secrets are far smaller; a larger file is a wrong one.
    static let mostBytes = 65_536

    static func contents(of path: String) throws(SettingsError) -> Data {
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            data = try handle.read(upToCount: mostBytes + 1) ?? Data()
        } catch {
            throw .unreadable(
                path: path, reason: "cannot be read; check that it exists and who may read it")
        }
        guard data.count <= mostBytes else {
            throw .unreadable(
                path: path, reason: "is larger than 64 KiB; name the right file")
        }
        return data
    }
}
