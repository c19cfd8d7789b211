import Billing
import Metering
import Postgres

extension ReportAge {
    init(_ row: PostgresRow?) throws {
        guard let row, let madeAt = UTCTime(microseconds: try row.timestamp("made_at"))
        else { throw LedgerError.corrupt("a clock outside 1970…9999") }
        let asOf = try row.optionalTimestamp("as_of").flatMap(UTCTime.init(microseconds:))
        self.init(asOf: asOf, madeAt: madeAt)
    }
}
