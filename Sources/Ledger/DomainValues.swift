import Metering
import Postgres
import Values

extension PostgresValue {
    static func clinic(_ clinic: ClinicID) -> PostgresValue { .uuid(clinic.id) }
    static func clinics(_ clinics: [ClinicID]) -> PostgresValue {
        .uuidArray(clinics.map(\.id))
    }
    static func month(_ month: Month) -> PostgresValue { .date(month.stored) }
    static func months(_ months: [Month]) -> PostgresValue { .dateArray(months.map(\.stored)) }
    static func count(_ count: Int) -> PostgresValue { .int64(Int64(count)) }
}

extension ClinicID {
    /// The lowest one, below which no page can start.
    static let lowest = ClinicID(high: 0, low: 0)
}

extension Month {
    /// Days to the first of the month: below 3 million for every month there is.
    var stored: Int32 { Int32(clamping: daysSince1970) }
}

extension PostgresFields {
    func clinic(_ column: PostgresColumn) throws -> ClinicID { ClinicID(try uuid(column)) }

    func month(_ column: PostgresColumn) throws -> Month {
        let days = Int64(try date(column))
        guard let month = Month(containing: days * CivilDate.microsecondsPerDay) else {
            throw LedgerError.corrupt("a month outside 1970…9999")
        }
        return month
    }
}
