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
    static func time(_ time: UTCTime) -> PostgresValue { .timestamp(time.microseconds) }
    static func time(_ time: UTCTime?) -> PostgresValue {
        time.map { .timestamp($0.microseconds) } ?? .null
    }
    static func text(orNull text: String?) -> PostgresValue {
        text.map(PostgresValue.text) ?? .null
    }
}
