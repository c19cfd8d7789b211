import TestSupport
import Testing

@testable import MeteringWorker

@Suite(.timed) struct `API key` {
    @Test func `has its form, and is read back`() throws {
        var random = SplitMix64(seed: Seed.current("API key"))
        for _ in 0..<1_000 {
            let key = APIKey.make(random: &random)
            #expect(key.text.utf8.count == 46)
            #expect(APIKey(parsing: key.text) == key)
        }
    }

    @Test func `differs from every other`() {
        var random = SystemRandomNumberGenerator()
        let keys = Set((0..<1_000).map { _ in APIKey.make(random: &random).text })
        #expect(keys.count == 1_000)
    }

    @Test(arguments: [
        "", "mk_", String(repeating: "a", count: 46), "mk_" + String(repeating: "a", count: 42),
        "mk_" + String(repeating: "a", count: 44), "mk_" + String(repeating: "+", count: 43),
        "MK_" + String(repeating: "a", count: 43),
    ])
    func `is refused in another form`(text: String) {
        #expect(APIKey(parsing: text) == nil)
    }

    @Test func `is stored as the SHA-256 of its text`() {
        // FIPS 180-2, appendix B.1.
        let digest = APIKey.hash(of: "abc").map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0\(digits)" : digits
        }
        #expect(
            digest.joined() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test(
        arguments: [
            ([], ""), ([0xFF], "_w"), ([0xFB, 0xFF], "-_8"), (Array("foobar".utf8), "Zm9vYmFy"),
        ] as [([UInt8], String)])
    func `is written in base64 for URLs`(bytes: [UInt8], text: String) {
        #expect(APIKey.base64URL(bytes) == text)
    }
}
