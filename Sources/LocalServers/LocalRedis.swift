import Glibc

/// A private Redis server.
public final class LocalRedis: Sendable {
    public let socketPath: String
    /// The port on 127.0.0.1; nil when it listens on its Unix socket only.
    public let port: Int?
    public let dataDirectory: String

    private let server: Server
    private let site: Site
    private static let patience = Duration.seconds(60)

    init(site: Site, port: Int?, options: RedisOptions) throws(LocalServersError) {
        self.port = port
        let socket = "\(site.privateDirectory.path)/redis.sock"
        socketPath = socket
        dataDirectory = "\(site.dataRoot)/redis"
        self.site = site
        let configuration = "\(site.privateDirectory.path)/redis.conf"
        try site.account.makeDirectory(dataDirectory)
        try site.write(
            Self.directives(
                socket: socket, data: dataDirectory, port: port, site: site, options: options),
            to: configuration)
        let ask = Tool(program: try site.programs.path("redis-cli"), deadline: .seconds(5))
        server = Server(
            Server.Plan(
                name: "redis",
                command: [try site.programs.path("redis-server"), configuration],
                logFile: "\(site.dataRoot)/redis.log",
                stopSignal: ("TERM", SIGTERM), hurrySignal: SIGINT,
                account: site.account, setpriv: try site.programs.path("setpriv"),
                isReady: {
                    // LOADING means not yet; NOAUTH means that it serves clients with the password.
                    let answer = try? await ask.outcome(of: ["-s", socket, "PING"]).output
                    return ["PONG", "NOAUTH"].contains { answer?.hasPrefix($0) == true }
                }), record: site.record)
    }

    /// The process, while it runs.
    public var process: ProcessIdentity? { server.process }

    /// `unix:///tmp/metering-run-x/redis.sock`
    public var url: String { "unix://\(socketPath.percentEncodedPath)" }

    /// `redis://127.0.0.1:24017`; nil when it does not listen there.
    public var tcpURL: String? { port.map { "redis://127.0.0.1:\($0)" } }

    /// `rediss://localhost:24017`; nil when it does not listen there.
    public var tlsURL: String? { port.map { "rediss://localhost:\($0)" } }

    /// Runs `redis-cli` on the socket and returns what it printed.
    public func client(
        _ arguments: [String], input: String = ""
    ) async throws(LocalServersError) -> String {
        try await Tool(program: try site.programs.path("redis-cli")).run(
            ["-s", socketPath] + arguments, input: input)
    }

    /// Sends the process a signal, such as SIGSTOP.
    public func send(_ signal: Int32) { server.process?.send(signal) }

    /// Starts it again after `stop` or its death, with the same data, port and URLs; waits until it
    /// has loaded its data and serves. Not to be called twice at once; neither is `stop`.
    public func start() async throws(LocalServersError) {
        try await server.start(within: Self.patience)
    }

    /// Ends it by SIGTERM or, when that takes too long, by stronger signals. Returns when it is
    /// gone.
    public func stop() async { await server.stop() }

    /// Ends it and starts it again. To kill it first, send it SIGKILL: then it has no time to write
    /// what it holds.
    public func restart() async throws(LocalServersError) {
        await stop()
        try await start()
    }

    /// Starts one server on its own, whose data end with it: for settings that others do not share.
    /// End it with `remove`.
    public static func temporary(
        _ options: RedisOptions = RedisOptions()
    ) async throws(LocalServersError) -> LocalRedis {
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

    /// Starts the server. When another process takes its port first, it tries the next one.
    static func start(
        at site: Site, options: RedisOptions
    ) async throws(LocalServersError) -> LocalRedis {
        try await Site.retryingPorts { () async throws(LocalServersError) in
            let port = options.listensOnTCP ? FreePort.next() : nil
            let redis = try LocalRedis(site: site, port: port, options: options)
            try await redis.start()
            return redis
        }
    }

    private static func directives(
        socket: String, data: String, port: Int?, site: Site, options: RedisOptions
    ) -> String {
        var directives = [
            "port": "\(port ?? 0)", "bind": "127.0.0.1", "unixsocket": socket,
            "unixsocketperm": "700", "dir": data, "daemonize": "no", "save": "",
            "appendonly": options.appendOnly ? "yes" : "no", "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        ]
        if let tls = options.tls {
            directives["port"] = "0"
            directives["tls-port"] = "\(port ?? 0)"
            directives["tls-cert-file"] = tls.certificate
            directives["tls-key-file"] = tls.key
            directives["tls-ca-cert-file"] = tls.authority
            directives["tls-auth-clients"] = tls.demandsCertificate ? "yes" : "no"
        }
        directives.merge(options.settings) { _, chosen in chosen }
        return directives.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value.redisQuoted)\n" }.joined()
    }
}
