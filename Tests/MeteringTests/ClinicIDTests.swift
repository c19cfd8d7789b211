import FoundationEssentials
import Metering
import Testing
import TestSupport
import Values

@Suite(.timed) struct `Clinic id` {
    static let text = "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7cff"

    @Test func `reads the canonical form in either case and prints lower case`() throws {
        let id = try #require(ClinicID(Self.text))
        #expect(id.description == Self.text)
        #expect(ClinicID(Self.text.uppercased()) == id)
        #expect(ClinicID(ascii: Self.text.utf8) == id)
        #expect(id.bytes.prefix(3) == [0x2f, 0x1a, 0x8b] && id.bytes.last == 0xff)
    }

    @Test func `is read, written and ordered as its unique id is`() {
        let (low, high) = (ClinicID(high: 1, low: .max), ClinicID(high: 2, low: 0))
        #expect(low < high && !(high < low) && low.bytes == low.id.bytes)
        #expect(ClinicID(bytes: low.bytes) == low && ClinicID(bytes: low.bytes.dropLast()) == nil)
        #expect(ClinicID("{\(low)}") == nil && low.ascii == Array(low.description.utf8))
    }

    @Test func `is a string in JSON`() throws {
        let id = try #require(ClinicID(Self.text))
        let json = try JSONEncoder().encode([id])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(Self.text)\"]")
        #expect(try JSONDecoder().decode([ClinicID].self, from: json) == [id])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ClinicID].self, from: Data("[\"clinic\"]".utf8))
        }
    }
}

@Suite(.timed) struct `An epoch` {
    @Test func `reads eight bytes as one big-endian number`() {
        let epoch = Epoch(bytes: [0, 0, 0, 0, 0, 0, 1, 0x2C])
        #expect(epoch == Epoch(rawValue: 300))
        #expect(epoch?.description == "000000000000012c")
        #expect(Epoch(bytes: [1, 2, 3]) == nil)
        #expect(Epoch.none.description == "0000000000000000")
    }

    @Test func `survives a BIGINT, bytes and text`() {
        let seed = Seed.current("survives a BIGINT, bytes and text")
        var random = SplitMix64(seed: seed)
        for value in [0, 1, 1 << 63, .max] + (0..<200).map({ _ in random.next() }) {
            let epoch = Epoch(rawValue: value)
            #expect(Epoch(bitPattern: epoch.bitPattern) == epoch, "seed \(seed)")
            #expect(Epoch(bytes: epoch.bytes) == epoch, "seed \(seed)")
            #expect(Epoch(epoch.description) == epoch, "seed \(seed)")
        }
        #expect(Epoch(bitPattern: -1).description == "ffffffffffffffff")
    }

    @Test(arguments: ["", "12c", "000000000000012g", "0x0000000000012c", "+00000000000012c"])
    func `refuses any other text`(text: String) {
        #expect(Epoch(text) == nil)
    }
}
