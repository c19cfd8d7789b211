import FoundationEssentials
import Glibc
import SystemPackage

/// The programs, the account and the directories of one run's servers.
struct Site: Sendable {
    let programs: Programs
    let account: ServerAccount
    let privateDirectory: PrivateDirectory
    /// Holds `postgres/`, `redis/` and their logs. It is the private directory when nothing is
    /// kept.
    let dataRoot: String
    let isKept: Bool
    let record: RunRecord

    /// `pg_hba.conf`, of this run.
    var accessRules: String { "\(privateDirectory.path)/pg_hba.conf" }

    /// Writes a file that only the servers' account can read.
    func write(_ text: String, to file: String) throws(LocalServersError) {
        do {
            try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw .directoryUnusable(file, reason: "cannot be written")
        }
        guard chmod(file, 0o600) == 0, chown(file, account.userID, account.groupID) == 0 else {
            throw .directoryUnusable(file, reason: String(cString: strerror(errno)))
        }
    }

    /// A site whose data end with the run.
    static func temporary() async throws(LocalServersError) -> Site {
        let programs = try await Programs.find(Programs.Need.servers)
        let account = try ServerAccount.current()
        await PrivateDirectory.sweep(for: account)
        return try make(programs: programs, account: account, keeping: nil)
    }

    /// A private directory, and the data in `keptData` or, without one, in there too.
    static func make(
        programs: Programs, account: ServerAccount, keeping keptData: String?
    ) throws(LocalServersError) -> Site {
        let directory = try PrivateDirectory.make(for: account)
        let record = RunRecord(in: [directory.path] + [keptData].compactMap(\.self))
        try record.set(RunRecord.owner, to: ProcessIdentity.current)
        return Site(
            programs: programs, account: account, privateDirectory: directory,
            dataRoot: keptData ?? directory.path, isKept: keptData != nil, record: record)
    }

    /// Removes what is not kept, once the servers have ended.
    func leave() async {
        record.remove()
        await privateDirectory.remove()
    }

    /// Runs `start` up to five times, as long as it fails because a port is taken.
    static func retryingPorts<Started>(
        _ start: () async throws(LocalServersError) -> Started
    ) async throws(LocalServersError) -> Started {
        for _ in 1..<5 {
            do { return try await start() } catch .startFailed(_, _, let log)
                where log.contains(where: { $0.contains("Address already in use") })
            { continue }
        }
        return try await start()
    }
}
