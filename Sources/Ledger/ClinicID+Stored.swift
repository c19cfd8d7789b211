import Metering
import Postgres

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

    /// The lowest id: the first batch starts after it.
    static let lowest = ClinicID(high: 0, low: 0)

    /// The highest id: no clinic comes after it.
    static let highest = ClinicID(high: .max, low: .max)
}
