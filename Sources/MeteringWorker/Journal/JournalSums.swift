import Metering
import Values

/// The sums of one journal by clinic and month: the rows that PostgreSQL receives.
///
/// The same records give the same rows with the same keys, however often they are read; so a row
/// that is sent again changes nothing.
struct JournalSums: Hashable, Sendable {
    struct Key: Hashable, Sendable {
        let clinic: ClinicID
        let month: Month
    }

    struct Sum: Hashable, Sendable {
        /// Of the first record of this clinic and month.
        let sequence: UInt64
        var units: Int64
    }

    /// Names the journal; random.
    let id: UniqueID
    private(set) var sums: [Key: Sum] = [:]
    /// How many records are in the sums.
    private(set) var records: Int64 = 0

    static let keysMax = 200_000

    init(id: UniqueID) { self.id = id }

    var isEmpty: Bool { sums.isEmpty }

    /// Whether the sum and the number of clinics stay in their bounds with it.
    func admits(_ record: JournalRecord) -> Bool {
        guard let held = sums[Key(record)] else { return sums.count < Self.keysMax }
        return held.units <= JournalRecord.unitsMax - record.units
    }

    /// Adds a record; false when it is not admitted.
    mutating func add(_ record: JournalRecord) -> Bool {
        guard admits(record) else { return false }
        sums[Key(record), default: Sum(sequence: record.sequence, units: 0)].units += record.units
        records += 1
        return true
    }
}

extension JournalSums.Key {
    fileprivate init(_ record: JournalRecord) {
        self.init(clinic: record.clinic, month: record.month)
    }
}
