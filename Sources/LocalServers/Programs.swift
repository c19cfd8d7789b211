import FoundationEssentials
import Glibc

/// Where the servers' programs are installed.
struct Programs: Sendable {
    /// What must be installed, named by its Debian package.
    enum Need: String, CaseIterable, Sendable {
        case postgres = "postgresql-15"
        case redis = "redis-server"
        case setpriv = "util-linux"
        /// These two for tests only.
        case openssl = "openssl"
        case pgbouncer = "pgbouncer"

        /// What every run needs.
        static let servers: [Need] = [.postgres, .redis, .setpriv]

        var programs: [String] {
            switch self {
            case .postgres:
                ["initdb", "postgres", "pg_isready", "psql", "createdb", "dropdb"]
            case .redis: ["redis-server", "redis-cli"]
            case .setpriv: ["setpriv"]
            case .openssl: ["openssl"]
            case .pgbouncer: ["pgbouncer"]
            }
        }
    }

    /// Debian keeps the server's programs out of PATH.
    static let debianPostgres = "/usr/lib/postgresql/15/bin"

    /// Directories, in the order they are searched.
    let places: [String]

    /// Searches Debian's PostgreSQL 15, then PATH, then the directory that `pg_config` prints, for
    /// all of `needs`.
    static func find(
        _ needs: [Need], places: [String] = usualPlaces
    ) async throws(LocalServersError) -> Programs {
        var programs = Programs(places: places)
        if !programs.lacks(needs).isEmpty, let configure = try? programs.path("pg_config") {
            let answer = try await Tool(program: configure).run(["--bindir"])
            let directory = answer.split(whereSeparator: \.isNewline).first.map(String.init)
            programs = Programs(places: programs.places + [directory].compactMap(\.self))
        }
        let missing = programs.lacks(needs)
        guard missing.isEmpty else {
            throw .programsMissing(
                missing.flatMap(\.programs).filter { (try? programs.path($0)) == nil },
                install: installLine(for: missing))
        }
        return programs
    }

    private static var usualPlaces: [String] {
        [debianPostgres] + searchPath.split(separator: ":").map(String.init)
    }

    /// The PATH of this process, with the places an ordinary user's PATH may lack.
    static var searchPath: String {
        let inherited = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return "\(inherited):/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    }

    /// One line for a Debian administrator.
    static func installLine(for needs: [Need]) -> String {
        "apt-get install -y --no-install-recommends "
            + needs.map(\.rawValue).joined(separator: " ")
    }

    /// The path of a program.
    func path(_ program: String) throws(LocalServersError) -> String {
        for place in places where access("\(place)/\(program)", X_OK) == 0 {
            return "\(place)/\(program)"
        }
        let need = Need.allCases.first { $0.programs.contains(program) } ?? .postgres
        throw .programsMissing([program], install: Self.installLine(for: [need]))
    }

    private func lacks(_ needs: [Need]) -> [Need] {
        needs.filter { need in need.programs.contains { (try? path($0)) == nil } }
    }
}
