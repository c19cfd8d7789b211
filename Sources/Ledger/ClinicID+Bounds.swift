import Metering

extension ClinicID {
    /// The lowest id: the first batch starts after it.
    static let lowest = ClinicID(high: 0, low: 0)

    /// The highest id: no clinic comes after it.
    static let highest = ClinicID(high: .max, low: .max)
}
