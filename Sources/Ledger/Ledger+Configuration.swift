import Billing
public import Metering
import Postgres
import Quotas

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
                SQL.termsOfClinics, [.clinics(clinics), .month(month)])
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
        let word = try row.optionalText("payment_status")
        self.init(
            clinic: try row.clinic("clinic_id"), version: try row.int64("config_version"),
            plan: try StoredPlan(row), overrides: try StoredOverride.all(in: row),
            paymentStatus: word.flatMap(PaymentStatus.init(stored:)), month: month,
            ledger: Dictionary(zip(epochs, units), uniquingKeysWith: { first, _ in first }),
            adjustments: try row.int64("adjustments"))
    }
}

extension StoredConfiguration.StoredPlan {
    fileprivate init?(_ row: PostgresRow) throws {
        guard let id = try row.optionalInt64("plan_id") else { return nil }
        self.init(
            id: id, name: try row.text("plan"), version: try row.optionalInt64("plan_version"),
            features: try row.optionalText("features"), problem: try row.optionalText("problem"),
            quota: try row.optionalInt64("quota") ?? -1,
            nextQuota: try row.optionalInt64("next_quota") ?? -1)
    }
}

extension StoredConfiguration.StoredOverride {
    /// The lists of a row, one override at each place.
    fileprivate static func all(in row: PostgresRow) throws -> [Self] {
        let whats = try row.textArray("whats")
        let (amounts, untils) = (try row.int64Array("amounts"), try row.timestampArray("untils"))
        let (pers, bursts) = (try row.int64Array("pers"), try row.int64Array("bursts"))
        guard
            [amounts.count, untils.count, pers.count, bursts.count].allSatisfy({ $0 == whats.count }
            )
        else { throw LedgerError.corrupt("lists of overrides of unequal length") }
        return try whats.indices.map { place in
            let override = ClinicOverride(
                stored: whats[place], amount: amounts[place], per: pers[place], burst: bursts[place]
            )
            guard let override else {
                throw LedgerError.corrupt("an override that no version writes")
            }
            return Self(override: override, until: untils[place])
        }
    }
}

extension ClinicOverride {
    /// - Parameters:
    ///   - amount: Units, people or bytes; for a rate limit units per period; for a shadow 1 = on.
    ///   - per: µs, for a rate limit.
    init?(stored what: String, amount: Int64, per: Int64, burst: Int64) {
        guard let what = What(what) else { return nil }
        switch what {
        case .limit: self.init(what, .rate(amount, per: per, burst: burst))
        case .shadow: self.init(what, .isOn(amount == 1))
        default: self.init(what, .amount(amount))
        }
    }
}

extension PostgresFields {
    /// nil also for a word that nobody knows: one clinic's must not cost the report of all.
    func paymentStatus(_ column: PostgresColumn) throws -> PaymentStatus? {
        try optionalText(column).flatMap(PaymentStatus.init(stored:))
    }
}
