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

    /// The lowest one, below which no page can start.
    static let lowest = ClinicID(high: 0, low: 0)

    /// The highest one, above which no page starts.
    static let highest = ClinicID(high: .max, low: .max)
}
