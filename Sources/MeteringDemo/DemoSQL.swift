import Postgres

/// The statements of the demo; everything else about clinics and plans is the application's
/// business.
enum DemoSQL {
    static let clinicsInsert = statement(
        "demo_clinics_insert", PackageResources.demo_clinics_insert_sql)
    static let subscriptionsUpsert = statement(
        "demo_subscriptions_upsert", PackageResources.demo_subscriptions_upsert_sql)
    static let history = statement("demo_history", PackageResources.demo_history_sql)

    /// Scripts for psql, with variables.
    static let logins = String(decoding: PackageResources.demo_logins_sql, as: UTF8.self)
    static let plans = String(decoding: PackageResources.demo_plans_sql, as: UTF8.self)

    private static func statement(_ name: String, _ bytes: [UInt8]) -> PostgresStatement {
        PostgresStatement(name: name, text: String(decoding: bytes, as: UTF8.self))
    }
}
