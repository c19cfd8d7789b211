import Glibc
import Logging

/// Files that this process may have open, connections among them (`RLIMIT_NOFILE`).
///
/// The last ones are reserved: otherwise clients could take all descriptors that the worker needs
/// to reach Redis and PostgreSQL, and the system library for threads ends the whole process when it
/// cannot open a file.
struct OpenFiles: Sendable, Hashable {
    /// Files in use without any client, and a reserve: threads, journals, listeners, name look-ups.
    static let spare = 64
    /// Sockets, queues and timers of an event loop, its Redis connection and the one that replaces
    /// it.
    static let perLoop = 8
    /// A connection to PostgreSQL and the one that cancels its statement.
    static let perDatabaseConnection = 2

    /// How many may be open.
    let most: Int
    /// How many of them the worker reserves for itself.
    let own: Int

    init(most: Int, own: Int) { (self.most, self.own) = (most, own) }

    /// How many files the worker keeps for itself.
    static func own(loops: Int, databaseConnections: Int, adminConnections: Int) -> Int {
        spare + loops * perLoop + databaseConnections * perDatabaseConnection + adminConnections
    }

    /// Raises the process's limit as far as `connections` need and the system allows.
    static func raised(connections: Int, own: Int) -> OpenFiles {
        let needed = rlim_t(connections + own)
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return OpenFiles(most: .max, own: own) }
        if limit.rlim_cur < needed, limit.rlim_cur < limit.rlim_max {
            var higher = limit
            higher.rlim_cur = min(needed, limit.rlim_max)
            if setrlimit(kind, &higher) == 0 { limit = higher }
        }
        return OpenFiles(most: Int(clamping: limit.rlim_cur), own: own)
    }

    /// How many connections of the API may be open at once: the configured number, or fewer when
    /// there are fewer files. With 1,024 files, 152 of them reserved, and a setting of 10,000, a
    /// worker accepts 872.
    func connections(wanted: Int) throws(StartError) -> Int {
        guard most > own else { throw .openFiles(most: most, needed: own + wanted) }
        return min(wanted, most - own)
    }
}

extension WorkerSettings {
    /// These settings with no more connections of the API than there are files for.
    func fitting(loops: Int, logger: Logger) throws(StartError) -> WorkerSettings {
        let wanted = http.connectionsMax
        let own = OpenFiles.own(
            loops: loops, databaseConnections: database.connections,
            adminConnections: admin == nil ? 0 : WorkerSettings.Admin.connectionsMax)
        let files = OpenFiles.raised(connections: wanted, own: own)
        var settings = self
        settings.http.connectionsMax = try files.connections(wanted: wanted)
        guard settings.http.connectionsMax < wanted else { return settings }
        logger.warning(
            "fewer connections than METERING_CONNECTIONS_MAX: allow more open files, or lower it",
            metadata: [
                "wanted": "\(wanted)", "possible": "\(settings.http.connectionsMax)",
                "files": "\(files.most)", "needed": "\(own + wanted)",
            ])
        return settings
    }
}
