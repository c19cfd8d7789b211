import CPostgres

extension PostgresConfiguration {
    /// Reads a `postgres://` URL or `key=value` settings, as libpq does.
    /// - Throws: `.configuration`, which says what is wrong and repeats nothing of the input.
    public init(_ conninfo: String) throws(PostgresError) {
        guard !conninfo.isEmpty else {
            throw .configuration("the PostgreSQL address is empty")
        }
        guard !conninfo.utf8.contains(0) else {
            throw .configuration("the PostgreSQL address contains a NUL character")
        }
        try Self.refuseStrayAt(conninfo)
        self.address = try Self.parse(conninfo)
        self.conninfo = conninfo
    }

    /// A password with an unescaped `@` or `/` would be taken for host, port or database, and
    /// shown.
    private static func refuseStrayAt(_ conninfo: String) throws(PostgresError) {
        guard let scheme = ["postgres://", "postgresql://"].first(where: conninfo.hasPrefix) else {
            return
        }
        let path = conninfo.dropFirst(scheme.count).prefix { $0 != "?" }
        let pieces = path.split(separator: "@", omittingEmptySubsequences: false)
        guard pieces.count < 2 || (pieces.count == 2 && !pieces[0].contains("/")) else {
            throw .configuration(
                "the PostgreSQL address has a stray @ or / (in a password write %40 and %2F)")
        }
    }

    private static func parse(_ conninfo: String) throws(PostgresError) -> Address {
        var message: UnsafeMutablePointer<CChar>?
        defer { PQfreemem(message) }
        guard let options = PQconninfoParse(conninfo, &message) else {
            let text = message.map { String(cString: $0) } ?? ""
            throw .configuration("the PostgreSQL address cannot be read: \(problem(in: text))")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var next = options
        while let keyword = next.pointee.keyword {
            if let value = next.pointee.val {
                values[String(cString: keyword)] = String(cString: value)
            }
            next += 1
        }
        try refuseBadPort(values["port"])
        return Address(
            user: values["user"], host: values["host"] ?? values["hostaddr"], port: values["port"],
            database: values["dbname"], service: values["service"])
    }

    /// libpq would repeat a port that is none, which may be half a password.
    private static func refuseBadPort(_ ports: String?) throws(PostgresError) {
        guard let ports else { return }
        for port in ports.split(separator: ",") where !(1...65_535).contains(Int(port) ?? 0) {
            throw .configuration(
                "the PostgreSQL address has a port that is not 1 to 65535 "
                    + "(in a password write %3A for : and %40 for @)")
        }
    }

    /// What libpq complains about, without the piece of input that it quotes.
    private static func problem(in message: String) -> String {
        let known = [
            ("missing \"=\"", "it is neither a postgres:// URL nor key=value settings"),
            ("unterminated quoted", "a quote is not closed"),
            ("invalid connection option", "it names a setting that libpq does not know"),
            ("invalid URI query parameter", "the URL names a setting that libpq does not know"),
            ("query parameter", "the part after ? is not key=value"),
            ("percent-encoded", "a %-escape is not two hexadecimal digits"),
            ("forbidden value", "it contains %00"),
            ("IPv6", "an IPv6 address is not closed with ]"),
            ("unexpected character", "a character stands where : or / is expected"),
            ("out of memory", "out of memory"),
        ]
        return known.first { message.contains($0.0) }?.1 ?? "libpq does not understand it"
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible {
    /// `postgres://user@host:port/database`; what is not given is left out, and so are all secrets.
    public var description: String {
        if let service = address.service { return "postgres service \(service)" }
        let user = address.user.map { "\($0)@" } ?? ""
        let database = address.database.map { "/\($0)" } ?? ""
        let port = address.port.map { ":\($0)" } ?? ""
        guard let host = address.host else { return "postgres://\(user)\(port)\(database)" }
        guard !host.hasPrefix("/") else {
            return "postgres://\(user)\(port)\(database) on socket \(host)"
        }
        return "postgres://\(user)\(host)\(port)\(database)"
    }

    public var debugDescription: String { description }
}
