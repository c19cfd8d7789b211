import FoundationEssentials
import Metering
import TestSupport
import Testing

@Suite struct `Clinic id` {
    static let text = "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7cff"

    @Test func `reads the canonical form in either case and prints lower case`() throws {
        let id = try #require(ClinicID(Self.text))
        #expect(id.description == Self.text)
        #expect(ClinicID(Self.text.uppercased()) == id)
        #expect(ClinicID(ascii: Self.text.utf8) == id)
        #expect(id.bytes.prefix(3) == [0x2f, 0x1a, 0x8b] && id.bytes.last == 0xff)
    }

    @Test(arguments: [
        "", "2f1a8b1e", "2f1a8b1e53c94d0f9c520d1f6a3b7c11",
        "{2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11}", " 2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11",
        "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11 ", "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c1",
        "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c111", "2f1a8b1e-53c9-4d0f-9c520-d1f6a3b7c11",
        "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c1g", "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c1\u{661}",
        "2f1a8b1e_53c9_4d0f_9c52_0d1f6a3b7c11", "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c-1",
        "-f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11", "+f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11",
    ])
    func `refuses every other form`(text: String) {
        #expect(ClinicID(text) == nil)
    }

    @Test func `bytes, text and another UUID implementation agree`() {
        let seed = Seed.current("bytes, text and another UUID implementation agree")
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let bytes = random.bytes(16, from: Array(0...255))
            let id = ClinicID(bytes: bytes)
            #expect(id?.bytes == bytes, "seed \(seed)")
            #expect(id.flatMap { ClinicID($0.description) } == id, "seed \(seed)")
            let other = UUID(uuidString: id?.description ?? "")
            #expect(other?.uuidString.lowercased() == id?.description, "seed \(seed)")
        }
    }

    @Test func `takes exactly 16 bytes`() {
        for count in [0, 1, 15, 17, 32] {
            #expect(ClinicID(bytes: [UInt8](repeating: 1, count: count)) == nil)
        }
    }

    @Test func `orders by bytes`() throws {
        let seed = Seed.current("orders by bytes")
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            // Few different bytes, so that long common beginnings occur.
            let (left, right) = (
                random.bytes(16, from: [0, 0, 0, 0x7F, 0x80, 0xFF]),
                random.bytes(16, from: [0, 0, 0, 0x7F, 0x80, 0xFF])
            )
            let ids = (try #require(ClinicID(bytes: left)), try #require(ClinicID(bytes: right)))
            #expect((ids.0 < ids.1) == left.lexicographicallyPrecedes(right), "seed \(seed)")
        }
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

    @Test func `makes the version 5 example of RFC 9562 from its digest`() {
        // SHA-1 of the DNS namespace and www.example.com, as the RFC prints it.
        let digest: [UInt8] = [
            0x2e, 0xd6, 0x65, 0x7d, 0xe9, 0x27, 0x46, 0x8b, 0x55, 0xe1, 0x26, 0x65, 0xa8, 0xae,
            0xa6, 0xa2, 0x2d, 0xee, 0x3e, 0x35,
        ]
        let id = ClinicID.version5(digest: digest)
        #expect(id?.description == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
        #expect(ClinicID.version5(digest: digest.dropLast()) == nil)
        #expect(ClinicID.version5(digest: digest + [0]) == nil)
        let full = ClinicID.version5(digest: [UInt8](repeating: 0xFF, count: 20))
        #expect(full?.description == "ffffffff-ffff-5fff-bfff-ffffffffffff")
    }
}

@Suite struct `An epoch` {
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
