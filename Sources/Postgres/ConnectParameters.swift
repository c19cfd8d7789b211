import CPostgres
import Glibc
import Logging

/// The settings handed to libpq: the user's own first, then what we need on top.
struct ConnectParameters {
    private let pairs: [(key: String, value: String)]

    init(_ configuration: PostgresConfiguration) throws(PostgresError) {
        var pairs = [
            ("dbname", configuration.conninfo),
            ("fallback_application_name", configuration.applicationName),
            ("client_encoding", "UTF8"),
        ]
        if let source = configuration.passwordSource {
            do { pairs.append(("password", try source())) } catch {
                // The text of a foreign error may hold the secret itself.
                throw .configuration("the source of the PostgreSQL password failed")
            }
        } else if let password = configuration.password {
            pairs.append(("password", password))
        }
        self.pairs = pairs
    }

    /// Begins to connect. Later pairs win over the URL, which libpq expands from `dbname`; it also reads
    /// services, `.pgpass` and its environment variables.
    func start(logger: Logger) throws(PostgresError) -> Link {
        let keys = pairs.map { strdup($0.key) }
        let values = pairs.map { strdup($0.value) }
        defer { for text in keys + values { free(text) } }
        let keyPointers = keys.map { UnsafePointer($0) } + [nil]
        let valuePointers = values.map { UnsafePointer($0) } + [nil]
        guard let handle = PQconnectStartParams(keyPointers, valuePointers, 1) else {
            throw .connect(nil, reason: "out of memory")
        }
        let link = Link(handle, logger: logger)
        // Adds the SQLSTATE to the text of a refusal, where libpq tells it in no other way.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        return link
    }
}

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

    /// libpq has no code for it. Its words are those of libpq 15, in English because no program of ours
    /// calls `setlocale`.
    private static func isAboutTLS(_ message: String) -> Bool {
        // A server that goes away in the midst of the handshake comes back.
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
