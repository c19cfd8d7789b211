import Billing
import Metering
import Postgres
import Quotas

extension StoredTerms {
    init(_ row: PostgresRow, month: Month) throws {
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

extension StoredTerms.StoredPlan {
    init?(_ row: PostgresRow) throws {
        guard let id = try row.optionalInt64("plan_id") else { return nil }
        self.init(
            id: id, name: try row.text("plan"), version: try row.optionalInt64("plan_version"),
            features: try row.optionalText("features"), problem: try row.optionalText("problem"),
            quota: try row.optionalInt64("quota") ?? -1,
            nextQuota: try row.optionalInt64("next_quota") ?? -1)
    }
}

extension StoredTerms.StoredOverride {
    /// The lists of a row, one override at each place.
    static func all(in row: PostgresRow) throws -> [Self] {
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
