import Foundation
import Ledger
import Logging
import Postgres
import Shell

/// The database as `billing` reaches it: one connection, for one command.
enum AdminDatabase {
    static let url = SettingKey(
        ["database", "url"], .secret(form: "postgresql://user@host/database"),
        "The database, with a login that has the role `billing_admin`.")

    /// The owner's login, for the one command that changes a table.
    static let ownerURL = SettingKey(
        ["database", "owner", "url"], .secret(form: "postgresql://owner@host/database"),
        "The database, with the login that owns `clinic_subscriptions`.")

    static let preparedStatements = SettingKey(
        ["metering", "prepared_statements"],
        .choice(PreparedStatements.allCases.map(\.rawValue), default: "auto"),
        "As for `metering-worker`.")

    /// Lends the ledger of a database at this program's version.
    static func lend(
        as key: SettingKey = url, _ body: (Ledger) async throws -> Void
    ) async throws {
        let settings = try Settings(
            keys: [key, preparedStatements], environment: ProcessInfo.processInfo.environment)
        for warning in settings.warnings { Console.note("billing: \(warning)") }
        var configuration = try PostgresConfiguration(settings.required(secret: key))
        configuration.applicationName = "billing"
        configuration.preparedStatements =
            try PreparedStatements(rawValue: settings.text(preparedStatements)) ?? .automatic
        // The second one looks up which sessions a change of a table waits for.
        configuration.poolSize = key.path == ownerURL.path ? 2 : 1
        let pool = PostgresPool(
            configuration: configuration,
            logger: Logger(label: "billing") { _ in SwiftLogNoOpLogHandler() })
        let result: Result<Void, any Error>
        do {
            let ledger = Ledger(pool: pool)
            try await ledger.requireSchema()
            result = .success(try await body(ledger))
        } catch {
            result = .failure(MissingRights(error) ?? error)
        }
        await pool.close()
        try result.get()
    }
}
