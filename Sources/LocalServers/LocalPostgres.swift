import Glibc

/// A private PostgreSQL server.
///
/// `postgres`, the superuser, needs no password on the Unix socket, whose directory only this user
/// can enter. Everyone else needs one, on the socket and on TCP.
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

    /// `postgresql://user:password@127.0.0.1:24017/app`: a login, on TCP. Nil when it does not
    /// listen there.
    public func tcpURL(user: String, password: String, database: String) -> String? {
        guard listensOnTCP else { return nil }
        return "postgresql://\(user.percentEncoded):\(password.percentEncoded)@127.0.0.1:\(port)/"
            + database.percentEncoded
    }

    /// Makes a database, empty or as a copy of the files of `template`, which must have no
    /// connections.
    public func createDatabase(
        _ name: String, template: String? = nil
    ) async throws(LocalServersError) {
        let copying = template.map { ["--template=\($0)", "--strategy=FILE_COPY"] } ?? []
        _ = try await client("createdb", copying + ["--", name])
    }

    /// Drops a database, if there is one, and ends its connections.
    public func dropDatabase(_ name: String) async throws(LocalServersError) {
        _ = try await client("dropdb", ["--if-exists", "--force", "--", name])
    }

    /// Runs one of PostgreSQL's own programs (`psql`, `pg_dump`) as the superuser and returns what
    /// it printed.
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

    /// Starts it again after `stop` or its death, with the same data, port and URLs; waits until it
    /// serves. Not to be called twice at once; neither is `stop`.
    public func start() async throws(LocalServersError) {
        try await server.start(within: Self.patience)
    }

    /// Ends it by fast shutdown or, when that takes too long, by stronger signals. Returns when it
    /// is gone.
    public func stop() async { await server.stop() }

    /// Starts one server on its own, whose data end with it: for settings that others do not share.
    /// End it with `remove`.
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
