import FoundationEssentials
import Glibc

extension LocalPostgres {
    /// Makes the cluster if there is none, and starts the server on it. When another process takes
    /// its port first, it tries the next one.
    static func start(
        at site: Site, options: PostgresOptions
    ) async throws(LocalServersError) -> LocalPostgres {
        try await makeCluster(at: site, tcp: options.tls == nil ? "host" : "hostssl")
        return try await Site.retryingPorts { () async throws(LocalServersError) in
            let port = options.listensOnTCP ? FreePort.next() : 5432
            let postgres = try LocalPostgres(site: site, port: port, options: options)
            try await postgres.start()
            return postgres
        }
    }

    /// Makes the cluster if there is none yet.
    /// - Parameter tcp: The record type of `pg_hba.conf` for connections over TCP.
    static func makeCluster(at site: Site, tcp: String) async throws(LocalServersError) {
        let data = "\(site.dataRoot)/postgres"
        try site.account.makeDirectory(data)
        try writeAccessRules(site, tcp: tcp)
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

    /// The rules are beside the socket, so that they are of this version, whichever version made
    /// the cluster.
    private static func writeAccessRules(_ site: Site, tcp: String) throws(LocalServersError) {
        try site.write(
            """
            local all postgres trust
            local all all scram-sha-256
            \(tcp) all all 127.0.0.1/32 scram-sha-256

            """, to: site.accessRules)
    }

    /// `postmaster.pid` names a process id. After a crash that id may by now belong to anything,
    /// and PostgreSQL would refuse to start because of it. The working directory of a live
    /// postmaster is its data directory; this leaves it alone.
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

    /// The server's command: it carries every setting, so the cluster's own files need no edit.
    static func command(
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
            // These data end with the run, so waiting for the disk gains nothing.
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                settings[name] = "off"
            }
        }
        if let tls = options.tls {
            settings["ssl"] = "on"
            settings["ssl_cert_file"] = tls.certificate
            settings["ssl_key_file"] = tls.key
            settings["ssl_ca_file"] = tls.authority
        }
        settings.merge(options.settings) { _, chosen in chosen }
        return [try site.programs.path("postgres"), "-D", "\(site.dataRoot)/postgres"]
            + settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
    }
}
