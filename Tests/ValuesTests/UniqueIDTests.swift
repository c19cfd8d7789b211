import FoundationEssentials
import Testing
import TestSupport
import Values

@Suite(.timed) struct `Unique id` {
    static let text = "2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7cff"

    @Test func `reads the canonical form in either case and prints lower case`() throws {
        let id = try #require(UniqueID(Self.text))
        #expect(id.description == Self.text)
        #expect(UniqueID(Self.text.uppercased()) == id)
        #expect(UniqueID(ascii: Self.text.utf8) == id)
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
        #expect(UniqueID(text) == nil)
    }

    @Test func `bytes, text and another UUID implementation agree`() {
        let seed = Seed.current("bytes, text and another UUID implementation agree")
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let bytes = random.bytes(16, from: Array(0...255))
            let id = UniqueID(bytes: bytes)
            #expect(id?.bytes == bytes, "seed \(seed)")
            #expect(id.flatMap { UniqueID($0.description) } == id, "seed \(seed)")
            let other = UUID(uuidString: id?.description ?? "")
            #expect(other?.uuidString.lowercased() == id?.description, "seed \(seed)")
        }
    }

    @Test func `takes exactly 16 bytes`() {
        for count in [0, 1, 15, 17, 32] {
            #expect(UniqueID(bytes: [UInt8](repeating: 1, count: count)) == nil)
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
            let ids = (try #require(UniqueID(bytes: left)), try #require(UniqueID(bytes: right)))
            #expect((ids.0 < ids.1) == left.lexicographicallyPrecedes(right), "seed \(seed)")
        }
    }

    @Test func `is as random as its generator`() {
        var random = SplitMix64(seed: 7)
        let id = UniqueID.random(using: &random)
        random = SplitMix64(seed: 7)
        #expect(id == UniqueID(high: random.next(), low: random.next()))
    }

    @Test func `makes the version 5 example of RFC 9562 from its digest`() {
        // SHA-1 of the DNS namespace and www.example.com, as the RFC prints it.
        let digest: [UInt8] = [
            0x2e, 0xd6, 0x65, 0x7d, 0xe9, 0x27, 0x46, 0x8b, 0x55, 0xe1, 0x26, 0x65, 0xa8, 0xae,
            0xa6, 0xa2, 0x2d, 0xee, 0x3e, 0x35,
        ]
        let id = UniqueID.version5(digest: digest)
        #expect(id?.description == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
        #expect(UniqueID.version5(digest: digest.dropLast()) == nil)
        #expect(UniqueID.version5(digest: digest + [0]) == nil)
        let full = UniqueID.version5(digest: [UInt8](repeating: 0xFF, count: 20))
        #expect(full?.description == "ffffffff-ffff-5fff-bfff-ffffffffffff")
    }
}
