import FoundationEssentials
import Glibc

/// How a private PostgreSQL is started.
public struct PostgresOptions: Sendable {
    /// Whether it listens on 127.0.0.1 too, on a free port. Its Unix socket is always there.
    public var listensOnTCP = false
    /// Settings of `postgresql.conf`, by name.
    public var settings: [String: String] = [:]

    public init(listensOnTCP: Bool = false, settings: [String: String] = [:]) {
        self.listensOnTCP = listensOnTCP
        self.settings = settings
    }
}

/// A private PostgreSQL server.
///
/// `postgres`, the superuser, needs no password on the Unix socket, whose directory only this user can enter.
/// Everyone else needs one, on the socket and on TCP.
public final class LocalPostgres: Sendable {
    /// The directory of the Unix socket: what libpq calls the host.
    public let socketDirectory: String
    /// The port of the TCP listener, and the number in the socket's name.
    public let port: Int
    /// Whether it listens on 127.0.0.1 too.
    public let listensOnTCP: Bool
    public let dataDirectory: String

    private let server: Server
    private let site: Site
    private static let patience = Duration.seconds(60)

    init(site: Site, port: Int, options: PostgresOptions) throws(LocalServersError) {
        self.port = port
        listensOnTCP = options.listensOnTCP
        socketDirectory = site.privateDirectory.path
        dataDirectory = "\(site.dataRoot)/postgres"
        self.site = site
        let ready = Tool(program: try site.programs.path("pg_isready"), deadline: .seconds(5))
        let question = ["-q", "-t", "2", "-h", socketDirectory, "-p", "\(port)"]
        server = Server(
            Server.Plan(
                name: "postgres",
                command: try Self.command(site: site, port: port, options: options),
                logFile: "\(site.dataRoot)/postgres.log",
                stopSignal: ("INT", SIGINT), hurrySignal: SIGQUIT,
                account: site.account, setpriv: try site.programs.path("setpriv"),
                isReady: {
                    (try? await ready.outcome(of: question))?.isSuccess == true
                }), record: site.record)
    }

    /// The process, while it runs.
    public var process: ProcessIdentity? { server.process }

    /// `postgresql:///app?host=…&port=5432&user=postgres`: the superuser, on the Unix socket.
    public func superuserURL(database: String = "postgres") -> String {
        "postgresql:///\(database.percentEncoded)?host=\(socketDirectory.percentEncoded)"
            + "&port=\(port)&user=postgres"
    }

    /// `postgresql://user:password@/app?host=…&port=5432`: a login, on the Unix socket.
    public func url(user: String, password: String, database: String) -> String {
        "postgresql://\(user.percentEncoded):\(password.percentEncoded)@/"
            + "\(database.percentEncoded)?host=\(socketDirectory.percentEncoded)&port=\(port)"
    }

    /// `postgresql://user:password@127.0.0.1:24017/app`: a login, on TCP. Nil when it does not listen there.
    public func tcpURL(user: String, password: String, database: String) -> String? {
        guard listensOnTCP else { return nil }
        return "postgresql://\(user.percentEncoded):\(password.percentEncoded)@127.0.0.1:\(port)/"
            + database.percentEncoded
    }

    /// Makes a database, empty or as a copy of the files of `template`, which nobody may be connected to.
    public func createDatabase(
        _ name: String, template: String? = nil
    ) async throws(LocalServersError) {
        let copying = template.map { ["--template=\($0)", "--strategy=FILE_COPY"] } ?? []
        _ = try await client("createdb", copying + ["--", name])
    }

    /// Drops a database, if there is one, and ends whoever is connected to it.
    public func dropDatabase(_ name: String) async throws(LocalServersError) {
        _ = try await client("dropdb", ["--if-exists", "--force", "--", name])
    }

    /// Runs one of PostgreSQL's own programs (`psql`, `pg_dump`) as the superuser and returns what it printed.
    public func client(
        _ program: String, _ arguments: [String], database: String = "postgres",
        input: String = ""
    ) async throws(LocalServersError) -> String {
        let tool = Tool(
            program: try site.programs.path(program),
            environment: [
                "PGHOST": socketDirectory, "PGPORT": "\(port)", "PGUSER": "postgres",
                "PGDATABASE": database, "PGPASSFILE": "/dev/null", "LC_ALL": "C.UTF-8",
                "TZ": "UTC", "PATH": Programs.searchPath,
            ],
            deadline: .seconds(300))
        return try await tool.run(arguments, input: input)
    }

    /// Sends the main process a signal, such as SIGSTOP.
    public func send(_ signal: Int32) { server.process?.send(signal) }

    /// Starts it again after `stop` or its death, with the same data, port and URLs; waits until it serves.
    /// Not to be called twice at once; neither is `stop`.
    public func start() async throws(LocalServersError) {
        try await server.start(within: Self.patience)
    }

    /// Ends it by fast shutdown, or, where that takes too long, harder. Returns when it is gone.
    public func stop() async { await server.stop() }

    /// Starts one server alone, whose data end with it: for settings that others do not share. End it with `remove`.
    public static func temporary(
        _ options: PostgresOptions = PostgresOptions()
    ) async throws(LocalServersError) -> LocalPostgres {
        let site = try await Site.temporary()
        do { return try await start(at: site, options: options) } catch {
            await site.leave()
            throw error
        }
    }

    /// Ends a temporary server and removes its data.
    public func remove() async {
        await stop()
        await site.leave()
    }
}

extension LocalPostgres {
    /// Makes the cluster, if need be, and starts the server on it. When another process takes its port first, it
    /// tries the next one.
    static func start(
        at site: Site, options: PostgresOptions
    ) async throws(LocalServersError) -> LocalPostgres {
        try await makeCluster(at: site)
        return try await Site.retryingPorts { () async throws(LocalServersError) in
            let port = options.listensOnTCP ? FreePort.next() : 5432
            let postgres = try LocalPostgres(site: site, port: port, options: options)
            try await postgres.start()
            return postgres
        }
    }

    /// Makes the cluster if there is none yet.
    static func makeCluster(at site: Site) async throws(LocalServersError) {
        let data = "\(site.dataRoot)/postgres"
        try site.account.makeDirectory(data)
        try writeAccessRules(site)
        if access("\(data)/PG_VERSION", F_OK) == 0 {
            removeStaleLock(in: data)
            return
        }
        let initialise = Tool(
            program: try site.programs.path("initdb"),
            prefix: site.account.privileges.isEmpty
                ? [] : [try site.programs.path("setpriv")] + site.account.privileges + ["--"],
            environment: ["LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": Programs.searchPath])
        _ = try await initialise.run(
            [
                "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                "--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions",
            ] + (site.isKept ? [] : ["--no-sync"]))
    }

    /// The rules lie beside the socket, so that they are of this version whatever made the cluster.
    private static func writeAccessRules(_ site: Site) throws(LocalServersError) {
        try site.write(
            """
            local all postgres trust
            local all all scram-sha-256
            host all all 127.0.0.1/32 scram-sha-256

            """, to: site.accessRules)
    }

    /// `postmaster.pid` names a process id. After a crash that id may by now belong to anything, and PostgreSQL
    /// would refuse to start because of it. A living postmaster works in its data directory; that one is left alone.
    private static func removeStaleLock(in data: String) {
        let file = "\(data)/postmaster.pid"
        guard let bytes = try? Data(contentsOf: URL(filePath: file)),
            let first = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first,
            let pid = Int32(first)
        else { return }
        var (place, own) = (stat(), stat())
        let isPostmaster =
            stat("/proc/\(pid)/cwd", &place) == 0 && stat(data, &own) == 0
            && place.st_dev == own.st_dev && place.st_ino == own.st_ino
        if !isPostmaster { try? FileManager.default.removeItem(atPath: file) }
    }

    private static func command(
        site: Site, port: Int, options: PostgresOptions
    ) throws(LocalServersError) -> [String] {
        let quotedDirectory =
            "\"" + site.privateDirectory.path.replacing("\"", with: "\"\"") + "\""
        var settings = [
            "unix_socket_directories": quotedDirectory,
            "listen_addresses": options.listensOnTCP ? "127.0.0.1" : "",
            "port": "\(port)", "hba_file": site.accessRules, "timezone": "UTC",
            "log_timezone": "UTC",
        ]
        if !site.isKept {
            // These data end with the run: nothing is gained by waiting for the disk.
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                settings[name] = "off"
            }
        }
        settings.merge(options.settings) { _, chosen in chosen }
        return [try site.programs.path("postgres"), "-D", "\(site.dataRoot)/postgres"]
            + settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    }
}
