import Glibc

/// A private PgBouncer in transaction mode before a private PostgreSQL, on its own Unix socket.
/// End it with `remove`, before the server.
public struct LocalPgBouncer: Sendable {
    private let site: Site
    private let server: Server
    /// The number in the socket's name; nothing listens on TCP.
    private static let port = 6432

    /// - Parameters:
    ///   - users: Logins of the server and their passwords.
    ///   - sessions: Connections to the server for each database and login: fewer than clients, so
    ///     that they mix.
    public static func start(
        before postgres: LocalPostgres, users: [String: String], sessions: Int = 2
    ) async throws(LocalServersError) -> LocalPgBouncer {
        let site = try await Site.temporary()
        do {
            let pooler = try LocalPgBouncer(site, postgres, users, sessions)
            try await pooler.server.start(within: .seconds(60))
            return pooler
        } catch {
            await site.leave()
            throw error
        }
    }

    private init(
        _ site: Site, _ postgres: LocalPostgres, _ users: [String: String], _ sessions: Int
    ) throws(LocalServersError) {
        self.site = site
        let directory = site.privateDirectory.path
        let list = users.map { "\(Self.quoted($0.key)) \(Self.quoted($0.value))\n" }.sorted()
        try site.write(list.joined(), to: "\(directory)/users.txt")
        try site.write(
            """
            [databases]
            * = host=\(postgres.socketDirectory) port=\(postgres.port)
            [pgbouncer]
            listen_addr =
            listen_port = \(Self.port)
            unix_socket_dir = \(directory)
            auth_type = trust
            auth_file = \(directory)/users.txt
            pool_mode = transaction
            default_pool_size = \(sessions)
            max_client_conn = 100

            """, to: "\(directory)/pgbouncer.ini")
        let ready = Tool(program: try site.programs.path("pg_isready"), deadline: .seconds(5))
        let question = ["-q", "-t", "2", "-h", directory, "-p", "\(Self.port)"]
        server = Server(
            Server.Plan(
                name: "pgbouncer",
                command: [
                    try site.programs.path("pgbouncer"), "\(directory)/pgbouncer.ini",
                ],
                logFile: "\(directory)/pgbouncer.log",
                stopSignal: ("TERM", SIGTERM), hurrySignal: SIGQUIT,
                account: site.account, setpriv: try site.programs.path("setpriv"),
                isReady: { (try? await ready.outcome(of: question))?.isSuccess == true }),
            record: site.record)
    }

    /// `postgresql://user:password@/app?host=…&port=6432`
    public func url(user: String, password: String, database: String) -> String {
        "postgresql://\(user.percentEncoded):\(password.percentEncoded)@/"
            + "\(database.percentEncoded)?host=\(site.privateDirectory.path.percentEncoded)"
            + "&port=\(Self.port)"
    }

    public func remove() async {
        await server.stop()
        await site.leave()
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
