import CPostgres

/// Why libpq could not connect, without its secrets.
struct ConnectFailure {
    let error: PostgresError

    init(_ handle: OpaquePointer, _ configuration: PostgresConfiguration) {
        let message = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        let password = PQpass(handle).map { String(cString: $0) } ?? ""
        let state = Self.sqlState(in: message)
        if state?.isAuthentication == true || PQconnectionNeedsPassword(handle) == 1 {
            error = .authentication(state)
            return
        }
        let lines = message.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
        // libpq indents its hint with a tab.
        let text = Self.removing(password, from: lines.joined(separator: "; "))
            .replacing("\t", with: "")
        let reason = text.isEmpty ? "no reason given" : String(text.prefix(500))
        let shown = "\(configuration): \(reason)"
        // The server's own words come with a state.
        error =
            state == nil && Self.isAboutTLS(text)
            ? .untrusted(reason: shown) : .connect(state, reason: shown)
    }

    /// libpq has no code for it. Its words are those of libpq 15, in English because no program of
    /// ours calls `setlocale`.
    private static func isAboutTLS(_ message: String) -> Bool {
        // A server that closes the connection during the handshake comes back.
        guard !message.contains("unexpected eof") else { return false }
        return [
            " certificate", "private key file", "SSL error:", "server does not support SSL",
        ].contains { message.contains($0) }
    }

    /// `… FATAL:  3D000: database …` → 3D000. With several hosts, the last one that answered.
    private static func sqlState(in message: String) -> SQLState? {
        message.split(separator: "FATAL:  ").dropFirst()
            .compactMap { SQLState($0.prefix(5)) }.last
    }

    private static func removing(_ secret: String, from text: String) -> String {
        secret.isEmpty ? text : text.replacing(secret, with: "***")
    }
}
