import Metering
import TestSupport
import Testing

@Suite(.timed) struct `Clinic naming` {
    static let id = ClinicID("2ED6657D-e927-568b-95e1-2665a8aea6a2")

    @Test(arguments: [
        ("API.example.com", "api-example-com-2ed6657d"), ("192.0.2.7", "192-0-2-7-2ed6657d"),
        ("::1", "--1-2ed6657d"), ("[2001:DB8::1]", "-2001-db8--1--2ed6657d"),
        ("a_b%c", "a-b-c-2ed6657d"), ("", "-2ed6657d"), ("Zahnärztin", "zahn-rztin-2ed6657d"),
    ])
    func `mirrors the host and ends with eight digits of the id`(
        host: String, subdomain: String
    ) throws {
        let id = try #require(Self.id)
        #expect(ClinicNaming.subdomain(forHost: host, id: id) == subdomain)
    }

    @Test func `cuts a long host so that 63 characters suffice`() throws {
        let id = try #require(Self.id)
        let subdomain = ClinicNaming.subdomain(forHost: String(repeating: "x", count: 253), id: id)
        #expect(subdomain == String(repeating: "x", count: 54) + "-2ed6657d")
        #expect(subdomain.utf8.count == 63)
    }

    @Test func `has only letters, digits and hyphens, whatever the host`() throws {
        let seed = Seed.current("has only letters, digits and hyphens, whatever the host")
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let host = String(
                decoding: random.bytes(.random(in: 0...80, using: &random), from: Array(0...255)),
                as: UTF8.self)
            let id = ClinicID(high: random.next(), low: random.next())
            let subdomain = ClinicNaming.subdomain(forHost: host, id: id)
            let allowed = subdomain.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            }
            #expect(allowed && subdomain.utf8.count <= 63, "seed \(seed)")
        }
    }
}
