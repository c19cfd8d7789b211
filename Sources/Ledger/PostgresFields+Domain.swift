import Billing
import Metering
import Postgres
import Values

extension PostgresFields {
    func clinic(_ column: PostgresColumn) throws -> ClinicID { ClinicID(try uuid(column)) }

    func month(_ column: PostgresColumn) throws -> Month {
        let days = Int64(try date(column))
        guard let month = Month(containing: days * CivilDate.microsecondsPerDay) else {
            throw LedgerError.corrupt("a month outside 1970…9999")
        }
        return month
    }

    func time(_ column: PostgresColumn) throws -> UTCTime {
        guard let time = UTCTime(microseconds: try timestamp(column)) else {
            throw LedgerError.corrupt("a time outside 1970…9999")
        }
        return time
    }

    func optionalTime(_ column: PostgresColumn) throws -> UTCTime? {
        guard let microseconds = try optionalTimestamp(column) else { return nil }
        guard let time = UTCTime(microseconds: microseconds) else {
            throw LedgerError.corrupt("a time outside 1970…9999")
        }
        return time
    }

    /// An `xid8`, which is unsigned and read as text.
    func transaction(_ column: PostgresColumn) throws -> UInt64 {
        guard let id = UInt64(try text(column)) else {
            throw LedgerError.corrupt("a transaction id that is no number")
        }
        return id
    }

    /// nil also for a status that this version does not know: one clinic's must not fail the report
    /// of all.
    func paymentStatus(_ column: PostgresColumn) throws -> PaymentStatus? {
        try optionalText(column).flatMap(PaymentStatus.init(stored:))
    }

    func limitCounter(_ column: PostgresColumn) throws -> LimitCounter {
        guard let counter = LimitCounter(rawValue: try text(column)) else {
            throw LedgerError.corrupt("a counter of another version")
        }
        return counter
    }
}
