import FoundationEssentials
import Glibc

/// A directory of one run, made with `mkdtemp`: its sockets, and its data when they are not to be
/// kept.
///
/// Only the servers' account and root can enter it. The next run removes what a killed run left.
struct PrivateDirectory: Sendable {
    let path: String

    /// `sun_path` holds 108 bytes, the last of them 0.
    static let longestSocketPath = 107
    private static let prefix = "metering-run-"
    /// The longest name that a server puts in the directory.
    private static let longestSocketName = "/.s.PGSQL.65535"

    /// - Parameter roots: Its possible parents; the first that is short enough and writable is
    ///   taken.
    static func make(
        for account: ServerAccount, in roots: [String] = roots
    ) throws(LocalServersError) -> PrivateDirectory {
        var reason = LocalServersError.socketPathTooLong(roots.first ?? "")
        for root in roots {
            let template = "\(root)/\(prefix)XXXXXX"
            guard template.utf8.count + longestSocketName.utf8.count <= longestSocketPath else {
                continue
            }
            var bytes = [CChar](template.utf8CString)
            guard mkdtemp(&bytes) != nil else {
                reason = .directoryUnusable(root, reason: String(cString: strerror(errno)))
                continue
            }
            let path = String(
                decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            try account.makeDirectory(path)
            return PrivateDirectory(path: path)
        }
        throw reason
    }

    private static var roots: [String] { [temporaryRoot, "/tmp", "/var/tmp"] }

    /// `$TMPDIR`, or `/tmp`.
    static var temporaryRoot: String {
        let named = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
        let trimmed = named.reversed().drop { $0 == "/" }.reversed()
        return named.hasPrefix("/") && !trimmed.isEmpty ? String(trimmed) : "/tmp"
    }

    /// Removes the directory with all that is in it. Servers that are ending may still write, so it
    /// tries again.
    func remove() async {
        for _ in 0..<100 {
            try? FileManager.default.removeItem(atPath: path)
            if access(path, F_OK) != 0 { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Ends and removes what is left of runs that were killed and could not clean up.
    static func sweep(
        for account: ServerAccount, in roots: [String] = roots,
        note: @Sendable (String) -> Void = { _ in }
    ) async {
        for place in Set(roots) {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
            for name in names where name.hasPrefix(prefix) {
                let directory = PrivateDirectory(path: "\(place)/\(name)")
                let record = RunRecord.read("\(directory.path)/\(RunRecord.fileName)")
                guard directory.belongs(to: account), let owner = record[RunRecord.owner],
                    !owner.isAlive
                else { continue }
                await RunRecord.endServers(in: directory.path, note: note)
                await directory.remove()
            }
        }
    }

    private func belongs(to account: ServerAccount) -> Bool {
        var found = stat()
        return lstat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
            && found.st_uid == account.userID
    }
}
