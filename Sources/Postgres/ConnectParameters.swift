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
        if configuration.namesItself {
            pairs.append(("application_name", configuration.applicationName))
        }
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

    /// Begins to connect. Later pairs win over the URL, which libpq expands from `dbname`; it also
    /// reads services, `.pgpass` and its environment variables.
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
