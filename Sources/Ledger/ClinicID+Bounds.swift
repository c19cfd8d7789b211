import Metering

extension ClinicID {
    /// The lowest one, below which no batch can start.
    static let lowest = ClinicID(high: 0, low: 0)

    /// The highest one, above which no batch starts.
    static let highest = ClinicID(high: .max, low: .max)
}
