import Glibc

/// The user that the servers run as: the user of this process, or `postgres` when that is root.
struct ServerAccount: Sendable {
    let userID: UInt32
    let groupID: UInt32
    /// The options of `setpriv`; empty when the user does not change.
    let privileges: [String]

    /// PostgreSQL refuses to run as root, so root's servers run as this user.
    static let nameUnderRoot = "postgres"

    static func current() throws(LocalServersError) -> ServerAccount {
        guard geteuid() == 0 else {
            return ServerAccount(userID: geteuid(), groupID: getegid(), privileges: [])
        }
        guard let entry = getpwnam(nameUnderRoot)?.pointee else {
            throw .accountMissing(nameUnderRoot)
        }
        return ServerAccount(
            userID: entry.pw_uid, groupID: entry.pw_gid,
            privileges: [
                "--reuid=\(entry.pw_uid)", "--regid=\(entry.pw_gid)", "--init-groups",
            ])
    }

    /// Makes a directory that only this account (and root) can enter, unless it is there already.
    func makeDirectory(_ path: String) throws(LocalServersError) {
        if mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw .directoryUnusable(path, reason: String(cString: strerror(errno)))
        }
        var found = stat()
        guard lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR else {
            throw .directoryUnusable(path, reason: "it is not a directory")
        }
        guard found.st_uid == userID || found.st_uid == geteuid() else {
            throw .directoryUnusable(path, reason: "it belongs to user \(found.st_uid)")
        }
        guard chown(path, userID, groupID) == 0, chmod(path, 0o700) == 0 else {
            throw .directoryUnusable(path, reason: String(cString: strerror(errno)))
        }
    }

    /// Whether this account can reach and write `path`, as the kernel decides for that account.
    func canWrite(_ path: String, programs: Programs) async throws(LocalServersError) -> Bool {
        if privileges.isEmpty { return access(path, W_OK | X_OK) == 0 }
        let asAccount = Tool(
            program: try programs.path("test"),
            prefix: [try programs.path("setpriv")] + privileges + ["--"])
        return try await asAccount.outcome(of: ["-w", path, "-a", "-x", path]).isSuccess
    }
}
