import Metering

/// Units that a clinic used while no store could count them, as a journal holds them.
struct JournalRecord: Hashable, Sendable {
    /// Its place in the journal, from 1.
    let sequence: UInt64
    let clinic: ClinicID
    let month: Month
    /// 1…2^53 − 1.
    let units: Int64

    /// u32 bytes that follow the checksum, u32 CRC-32 of them, then: u64 sequence, 16 bytes clinic,
    /// i64 start of the month (µs since 1970), i64 units. All little-endian but the clinic.
    static let payloadBytes = 40
    static let bytes = 8 + payloadBytes

    /// Units of one record, and of one clinic and month in a journal.
    static let unitsMax: Int64 = 9_007_199_254_740_991

    var encoded: [UInt8] {
        var payload: [UInt8] = []
        payload.reserveCapacity(Self.payloadBytes)
        payload.append(littleEndian: sequence)
        payload += clinic.bytes
        payload.append(littleEndian: UInt64(bitPattern: month.start))
        payload.append(littleEndian: UInt64(bitPattern: units))
        var record: [UInt8] = []
        record.reserveCapacity(Self.bytes)
        record.append(littleEndian: UInt32(Self.payloadBytes))
        record.append(littleEndian: CRC32.of(payload))
        return record + payload
    }

    /// The record at the head of `bytes`; nil for anything that `encoded` never writes.
    init?(decoding bytes: ArraySlice<UInt8>) {
        let record = bytes.prefix(Self.bytes)
        guard record.count == Self.bytes else { return nil }
        let payload = record.dropFirst(8)
        let words = [UInt8](payload)
        guard record.littleEndian(from: 0, bytes: 4) == UInt64(Self.payloadBytes),
            record.littleEndian(from: 4, bytes: 4) == UInt64(CRC32.of(payload)),
            let clinic = ClinicID(bytes: words[8..<24])
        else { return nil }
        let start = Int64(bitPattern: words[...].littleEndian(from: 24, bytes: 8))
        let units = Int64(bitPattern: words[...].littleEndian(from: 32, bytes: 8))
        guard let month = Month(containing: start), month.start == start,
            (1...Self.unitsMax).contains(units)
        else { return nil }
        self.init(
            sequence: words[...].littleEndian(from: 0, bytes: 8), clinic: clinic, month: month,
            units: units)
    }

    init(sequence: UInt64, clinic: ClinicID, month: Month, units: Int64) {
        (self.sequence, self.clinic) = (sequence, clinic)
        (self.month, self.units) = (month, units)
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
        for place in 0..<value.bitWidth / 8 {
            append(UInt8(truncatingIfNeeded: value >> (place * 8)))
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func littleEndian(from offset: Int, bytes count: Int) -> UInt64 {
        let start = startIndex + offset
        return self[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
