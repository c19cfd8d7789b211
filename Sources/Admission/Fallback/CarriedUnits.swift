import Metering
import Quotas

/// Units that this process admitted alone and that neither a mark nor the known adjustments of
/// their clinic hold yet: a local count starts above them.
///
/// Bounded: when it is full, no clinic is evicted, because its units would be admitted again; a new
/// clinic is left out.
struct CarriedUnits: Sendable {
    private struct Sum {
        var month: Month
        var units: Int64
    }

    private var sums: [ClinicID: Sum] = [:]
    private let clinicsMax: Int

    init(clinicsMax: Int) { self.clinicsMax = clinicsMax }

    mutating func add(_ units: Int64, to clinic: ClinicID, in month: Month) {
        guard units > 0 else { return }
        if sums[clinic] == nil, sums.count >= clinicsMax { return }
        let held = self.units(of: clinic, in: month)
        sums[clinic] = Sum(
            month: month, units: min(held &+ min(units, Self.most), Self.most))
    }

    /// The units are in a mark or in the ledger by now, or are lost.
    mutating func remove(_ units: Int64, of clinic: ClinicID, in month: Month) {
        let left = self.units(of: clinic, in: month) &- max(0, units)
        guard sums[clinic]?.month == month else { return }
        sums[clinic] = left > 0 ? Sum(month: month, units: left) : nil
    }

    func units(of clinic: ClinicID, in month: Month) -> Int64 {
        guard let held = sums[clinic], held.month == month else { return 0 }
        return held.units
    }

    private static let most = CounterValue.countMax
}
