import FoundationEssentials
import Glibc
import Synchronization
import SystemPackage

/// The directory that keeps the servers' data from one run to the next. One process at a time holds
/// it.
final class DataDirectory: Sendable {
    let path: String
    /// Open and locked as long as this process holds the directory; the kernel lets go when it
    /// dies.
    private let lock: Mutex<FileDescriptor?>

    private init(path: String, lock: FileDescriptor) {
        self.path = path
        self.lock = Mutex(lock)
    }

    /// Opens `wanted`, or, when the servers' account cannot reach it, a directory under `$TMPDIR`
    /// that is the same on every run.
    static func open(
        _ wanted: String, for account: ServerAccount, programs: Programs,
        note: @Sendable (String) -> Void
    ) async throws(LocalServersError) -> DataDirectory {
        let path = absolute(wanted)
        try make(path)
        let trial = "\(path)/postgres"
        try account.makeDirectory(trial)
        if try await account.canWrite(trial, programs: programs) { return try hold(path) }
        rmdir(trial)
        let name = "metering-data-\(geteuid())-\(String(fingerprint(of: path), radix: 16))"
        let substitute = "\(PrivateDirectory.temporaryRoot)/\(name)"
        try make(substitute)
        note("PostgreSQL's user cannot reach \(path); the data are kept in \(substitute)")
        return try hold(substitute)
    }

    /// Releases the directory to another process.
    func release() {
        lock.withLock { descriptor in
            try? descriptor?.close()
            descriptor = nil
        }
    }

    /// Ends the servers of a run that was killed before it could. Holding the directory, there is
    /// no other run.
    func endLeftovers(note: @Sendable (String) -> Void) async {
        await RunRecord.endServers(in: path, note: note)
    }

    private static func hold(_ path: String) throws(LocalServersError) -> DataDirectory {
        let file = "\(path)/lock"
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(
                FilePath(file), .readWrite, options: [.create, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite)
        } catch {
            throw .directoryUnusable(file, reason: "\(error)")
        }
        guard flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            try? descriptor.close()
            let holder = RunRecord.read("\(path)/\(RunRecord.fileName)")[RunRecord.owner]
            throw .inUse(directory: path, pid: holder?.pid)
        }
        return DataDirectory(path: path, lock: descriptor)
    }

    /// Makes a directory that every user may traverse and only this user may write.
    private static func make(_ path: String) throws(LocalServersError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .directoryUnusable(path, reason: "cannot be made")
        }
        var found = stat()
        guard lstat(path, &found) == 0, found.st_mode & S_IFMT == S_IFDIR else {
            throw .directoryUnusable(path, reason: "it is not a directory")
        }
        guard found.st_uid == geteuid() else {
            throw .directoryUnusable(path, reason: "it belongs to user \(found.st_uid)")
        }
        guard chmod(path, 0o711) == 0 else {
            throw .directoryUnusable(path, reason: String(cString: strerror(errno)))
        }
    }

    private static func absolute(_ path: String) -> String {
        let full =
            path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return FilePath(full).lexicallyNormalized().string
    }

    /// FNV-1a, 64 bits: the same text gives the same number in every run, unlike `Hasher`.
    private static func fingerprint(of text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
