import Foundation

/// A secret in its own file, as containers and systemd provide them.
struct SecretFile {
    /// The contents without one newline at the end.
    let text: String
    let isReadableByOthers: Bool

    init(path: String, name: String) throws(SettingsError) {
        var bytes = try SmallFile.contents(of: path)[...]
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        guard !bytes.isEmpty, !bytes.contains(0),
            let text = String(validating: bytes, as: UTF8.self)
        else {
            throw .unreadable(
                path: path, reason: "(named by \(name)) does not hold one line of text")
        }
        self.text = text
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue ?? 0
        isReadableByOthers = mode & 0o004 != 0
    }
}
