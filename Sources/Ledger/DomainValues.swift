import Metering
import Postgres

extension PostgresValue {
    static func clinic(_ clinic: ClinicID) -> PostgresValue { .uuid(clinic.stored) }
    static func clinics(_ clinics: [ClinicID]) -> PostgresValue {
        .uuidArray(clinics.map(\.stored))
    }
    static func month(_ month: Month) -> PostgresValue { .date(month.stored) }
    static func months(_ months: [Month]) -> PostgresValue { .dateArray(months.map(\.stored)) }
    static func count(_ count: Int) -> PostgresValue { .int64(Int64(count)) }
}

extension ClinicID {
    var stored: PostgresUUID {
        var words = (high: UInt64(0), low: UInt64(0))
        for (place, byte) in bytes.enumerated() {
            if place < 8 {
                words.high = words.high << 8 | UInt64(byte)
            } else {
                words.low = words.low << 8 | UInt64(byte)
            }
        }
        return PostgresUUID(high: words.high, low: words.low)
    }

    /// The lowest one, below which no page can start.
    static let lowest = ClinicID(high: 0, low: 0)
}

extension Month {
    /// Days to the first of the month: below 3 million for every month there is.
    var stored: Int32 { Int32(clamping: daysSince1970) }
}

extension PostgresFields {
    func clinic(_ column: PostgresColumn) throws -> ClinicID {
        guard let clinic = ClinicID(bytes: try uuid(column).bytes) else {
            throw LedgerError.corrupt("a clinic id that is not 16 bytes long")
        }
        return clinic
    }

    func month(_ column: PostgresColumn) throws -> Month {
        let days = Int64(try date(column))
        guard let month = Month(containing: days * 86_400_000_000) else {
            throw LedgerError.corrupt("a month outside 1970…9999")
        }
        return month
    }
}
