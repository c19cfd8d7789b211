import ArgumentParser
import Foundation
import Ledger
import Logging
import Postgres
import Shell

/// The database as `billing` reaches it: one connection, for one command.
enum AdminDatabase {
    static let url = SettingKey(
        ["database", "url"], .secret(form: "postgresql://user@host/database"),
        "The database, with a login that has the role `billing_admin`, or `billing_viewer` to read."
    )

    /// The owner's login, for the one command that changes a table.
    static let ownerURL = SettingKey(
        ["database", "owner", "url"], .secret(form: "postgresql://owner@host/database"),
        "The database, with the login that owns `clinic_subscriptions`.")

    static let preparedStatements = SettingKey(
        ["metering", "prepared_statements"],
        .choice(PreparedStatements.allCases.map(\.rawValue), default: "auto"),
        "As for `metering-worker`.")

    static let actor = SettingKey(
        ["billing", "actor"], .text(default: ""),
        "Your name, for the audit log beside the login.")

    /// Lends the ledger of a database at this program's version.
    ///
    /// - Parameter actor: Who changes something, for the audit log.
    static func lend(
        as key: SettingKey = url, to actor: ActorOptions? = nil,
        _ body: (Ledger) async throws -> Void
    ) async throws {
        let settings = try Settings(
            keys: [key, preparedStatements, Self.actor],
            environment: ProcessInfo.processInfo.environment)
        for warning in settings.warnings { Console.note("billing: \(warning)") }
        var configuration = try PostgresConfiguration(settings.required(secret: key))
        configuration.applicationName = "billing"
        if let name = try self.name(of: actor, settings) {
            configuration.applicationName += " as \(name)"
            configuration.namesItself = true
        }
        configuration.preparedStatements =
            try PreparedStatements(rawValue: settings.text(preparedStatements)) ?? .automatic
        // The second one looks up which sessions a change of a table waits for.
        configuration.poolSize = key.path == ownerURL.path ? 2 : 1
        let pool = PostgresPool(
            configuration: configuration,
            logger: Logger(label: "billing") { _ in SwiftLogNoOpLogHandler() })
        let ledger = Ledger(pool: pool)
        let result: Result<Void, any Error>
        do {
            try await ledger.requireSchema()
            result = .success(try await body(ledger))
        } catch {
            result = .failure(await MissingRights(error, on: ledger) ?? error)
        }
        await pool.close()
        try result.get()
    }

    private static func name(of actor: ActorOptions?, _ settings: Settings) throws -> String? {
        if let name = actor?.name { return name }
        let name = try settings.text(Self.actor)
        guard !name.isEmpty else { return nil }
        guard ActorOptions.isUsable(name) else {
            throw ValidationError("BILLING_ACTOR \(ActorOptions.form)")
        }
        return name
    }
}
