import FoundationEssentials
import Glibc
import Synchronization

/// The processes of one run, written to a file so that the next run can recognise what is left of
/// this one.
///
/// One line for each: `postgres 1240 987700`, which is its role, its id and its start time.
final class RunRecord: Sendable {
    static let fileName = "processes"
    /// The role of the process that started the servers.
    static let owner = "owner"

    private let files: [String]
    private let processes = Mutex<[String: ProcessIdentity]>([:])

    /// - Parameter directories: Each gets a copy of the file.
    init(in directories: [String]) {
        files = directories.map { "\($0)/\(Self.fileName)" }
    }

    /// Records that `process` now has this role, or that no process has it.
    func set(_ role: String, to process: ProcessIdentity?) throws(LocalServersError) {
        try processes.withLock { processes throws(LocalServersError) in
            processes[role] = process
            let lines = processes.map { "\($0.key) \($0.value.pid) \($0.value.startTime)\n" }
            for file in files {
                do {
                    try Data(lines.sorted().joined().utf8)
                        .write(to: URL(filePath: file), options: .atomic)
                } catch {
                    throw LocalServersError.directoryUnusable(file, reason: "cannot be written")
                }
            }
        }
    }

    /// Removes the files.
    func remove() {
        for file in files { try? FileManager.default.removeItem(atPath: file) }
    }

    /// Ends the servers that a directory's file names, except those whose ids now belong to other
    /// processes.
    static func endServers(in directory: String, note: @Sendable (String) -> Void) async {
        for (role, process) in read("\(directory)/\(fileName)")
        where role != owner && process.isAlive {
            note("ending \(role), process \(process.pid), left over from a run that was killed")
            await process.end(with: [(SIGINT, .seconds(10)), (SIGTERM, .seconds(5))])
        }
    }

    /// The records of a file; it ignores lines of another form.
    static func read(_ file: String) -> [String: ProcessIdentity] {
        guard let bytes = try? Data(contentsOf: URL(filePath: file)) else { return [:] }
        var processes: [String: ProcessIdentity] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count == 3, let pid = Int32(fields[1]), let start = UInt64(fields[2])
            else { continue }
            processes[String(fields[0])] = ProcessIdentity(pid: pid, startTime: start)
        }
        return processes
    }
}
