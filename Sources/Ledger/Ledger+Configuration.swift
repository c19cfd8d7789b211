import Billing
public import Metering
import Postgres

extension Ledger {
    /// What decides a clinic's calls in the month that runs at `redisTime`; nil for an unknown clinic.
    ///
    /// - Parameter redisTime: The clock that decides which month it is: µs since 1970-01-01 UTC.
    public func configuration(
        of clinic: ClinicID, at redisTime: Int64
    ) async throws(LedgerError) -> StoredConfiguration? {
        try await configurations(of: [clinic], at: redisTime).first
    }

    /// The same for many clinics in one question; unknown ones are left out.
    ///
    /// What cannot be read of one clinic is refused by its `settings()`, and costs no other clinic.
    /// - Parameter clinics: At most 10,000, each once.
    public func configurations(
        of clinics: [ClinicID], at redisTime: Int64
    ) async throws(LedgerError) -> [StoredConfiguration] {
        guard clinics.count <= 10_000 else {
            throw .outOfRange("more than 10,000 clinics were asked for at once")
        }
        guard let month = Month(containing: redisTime) else {
            throw .outOfRange("the clock of Redis is outside 1970…9999")
        }
        return try await stored {
            let rows = try await pool.query(
                SQL.settingsOfClinics, [.clinics(clinics), .month(month)])
            return try rows.map { try StoredConfiguration($0, month: month) }
        }
    }

    /// Makes a clinic's version higher than one that Redis holds, and returns it; nil for an unknown
    /// clinic.
    @discardableResult
    public func raiseConfigVersion(
        of clinic: ClinicID, above version: Int64
    ) async throws(LedgerError) -> Int64? {
        guard (0..<Self.countMax).contains(version) else {
            throw .outOfRange("a config version is 0 to 2^53 − 2")
        }
        return try await stored {
            let rows = try await pool.query(
                SQL.configVersionRaise, [.clinic(clinic), .int64(version)])
            return try rows.first?.int64("config_version")
        }
    }

    /// The highest count that Redis, whose numbers are doubles in Lua, holds exactly: 2^53 − 1.
    static let countMax: Int64 = 9_007_199_254_740_991
}

extension StoredConfiguration {
    fileprivate init(_ row: PostgresRow, month: Month) throws {
        let epochs = try row.int64Array("epochs").map(Epoch.init(bitPattern:))
        let units = try row.int64Array("units")
        var plan: StoredPlan?
        if let id = try row.optionalInt64("plan_id") {
            plan = StoredPlan(
                id: id, name: try row.text("plan"), features: try row.optionalText("features"))
        }
        let status = try row.optionalText("payment_status")
        let known = status.flatMap(PaymentStatus.init(stored:))
        self.init(
            clinic: try row.clinic("clinic_id"), version: try row.int64("config_version"),
            plan: plan, paymentStatus: known, unknownStatus: known == nil ? status : nil,
            month: month,
            ledger: Dictionary(zip(epochs, units), uniquingKeysWith: { first, _ in first }),
            adjustments: try row.int64("adjustments"))
    }
}

extension PostgresFields {
    /// nil also for a word that nobody knows: one clinic's must not cost the report of all.
    func paymentStatus(_ column: PostgresColumn) throws -> PaymentStatus? {
        try optionalText(column).flatMap(PaymentStatus.init(stored:))
    }
}
