import Values

extension RedisConfiguration {
    /// Reads `redis://[user[:password]@]host[:port][/db]`, the same with `rediss://` for TLS, or
    /// `unix://[user[:password]@]/path[?db=n]`.
    ///
    /// User, password, host and path may be percent-encoded; an IPv6 address stands in brackets.
    /// Port 6379 and database 0 are the defaults: `redis://:s3cret@[::1]/2` is the default user
    /// with the password `s3cret` at `::1`, port 6379, database 2.
    /// - Parameter files: For `rediss://` only; an address that would send everything in the clear
    ///   is refused together with them.
    /// - Throws: ``RedisError/configuration(_:)`` naming the part that is wrong and never its
    ///   value, or ``RedisError/tlsFile(_:problem:)``.
    public init(_ url: String, tls files: RedisTLS.Files = RedisTLS.Files()) throws(RedisError) {
        try self.init(url: url)
        if url.prefix(7).lowercased() == "rediss:" {
            tls = try RedisTLS(files)
        } else if !files.isEmpty {
            throw .configuration("TLS files are set, but it does not start with rediss://")
        }
    }

    private init(url: String) throws(RedisError) {
        guard let mark = url.firstRange(of: "://") else {
            throw .configuration("it must start with redis://, rediss:// or unix://")
        }
        let rest = url[mark.upperBound...]
        switch url[..<mark.lowerBound].lowercased() {
        case "redis", "rediss": try self.init(tcp: rest)
        case "unix", "redis+unix": try self.init(unix: rest)
        default: throw .configuration("the scheme must be redis://, rediss:// or unix://")
        }
    }

    private init(tcp text: Substring) throws(RedisError) {
        try RedisURL.refuseReserved(text, what: "#?")
        let (user, afterUser) = RedisURL.splitUser(text)
        let slash = afterUser.firstIndex(of: "/") ?? afterUser.endIndex
        let (host, port) = try RedisURL.hostAndPort(afterUser[..<slash])
        let path = afterUser[slash...].dropFirst()
        let database = path.isEmpty ? 0 : try RedisURL.number(path, in: 0...65_535, "the database")
        self.init(address: .tcp(host: host, port: port), database: database)
        try readUser(user)
    }

    private init(unix text: Substring) throws(RedisError) {
        try RedisURL.refuseReserved(text, what: "#")
        let query = text.firstIndex(of: "?") ?? text.endIndex
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        let before = text[..<min(slash, query)]
        guard slash < query, before.isEmpty || before.hasSuffix("@") else {
            throw .configuration("the socket path must be absolute, as in unix:///run/redis.sock")
        }
        let path = try RedisURL.decoded(text[slash..<query], "the socket path")
        // sun_path holds 108 bytes with its closing zero.
        guard path.utf8.count <= 107, !path.utf8.contains(0) else {
            throw .configuration("the socket path must have at most 107 bytes and no zero")
        }
        self.init(address: .unix(path: path))
        database = try RedisURL.database(query: text[query...].dropFirst())
        try readUser(before.isEmpty ? nil : before.dropLast())
    }

    private mutating func readUser(_ user: Substring?) throws(RedisError) {
        guard let user else { return }
        let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = try RedisURL.decoded(parts[0], "the user")
        username = name.isEmpty ? nil : name
        if parts.count == 2 { password = try RedisURL.decoded(parts[1], "the password") }
    }
}

/// The parts of an address, each refused by name.
private enum RedisURL {
    static func refuseReserved(_ text: Substring, what: String) throws(RedisError) {
        guard !text.contains(where: what.contains) else {
            throw .configuration("write # and ? inside a user, password or host as %23 and %3F")
        }
    }

    /// The user ends at the last `@`, so a raw `@` inside a password does no harm.
    static func splitUser(_ text: Substring) -> (user: Substring?, rest: Substring) {
        guard let at = text.lastIndex(of: "@") else { return (nil, text) }
        return (text[..<at], text[text.index(after: at)...])
    }

    static func hostAndPort(_ text: Substring) throws(RedisError) -> (String, Int) {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw .configuration("the IPv6 address has no closing bracket")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw .configuration("after the IPv6 address only a port may follow")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
            guard port?.contains(":") == false else {
                throw .configuration("an IPv6 address must be in brackets, as in [::1]")
            }
        }
        let name = try decoded(host, "the host")
        guard !name.isEmpty, !name.contains(where: { $0.isWhitespace || $0 == "/" }) else {
            throw .configuration("the host is missing or contains a space or slash")
        }
        return (
            name,
            try port.map { text throws(RedisError) in
                try number(text, in: 1...65_535, "the port")
            } ?? 6379
        )
    }

    static func database(query: Substring) throws(RedisError) -> Int {
        if query.isEmpty { return 0 }
        guard query.hasPrefix("db="), !query.contains("&") else {
            throw .configuration("the only setting after ? is db, as in ?db=2")
        }
        return try number(query.dropFirst(3), in: 0...65_535, "the database")
    }

    static func number(
        _ text: Substring, in range: ClosedRange<Int>, _ what: String
    ) throws(RedisError) -> Int {
        guard text.utf8.allSatisfy(\.isASCIIDigit), let value = Int(text),
            range.contains(value)
        else {
            throw .configuration(
                "\(what) must be a number in \(range.lowerBound)...\(range.upperBound)")
        }
        return value
    }

    static func decoded(_ text: Substring, _ what: String) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Hexadecimal.value),
                let low = rest.popFirst().flatMap(Hexadecimal.value)
            else { throw .configuration("\(what) has a % without two hex digits after it") }
            bytes.append(high << 4 | low)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .configuration("\(what) is not UTF-8 once decoded")
        }
        return text
    }
}
