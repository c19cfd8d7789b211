import Foundation
import TestSupport
import Testing

@testable import MeteringWorker

/// The body of a check is read by a reader of our own, so it is held against another one.
@Suite(.timed) struct `Flat JSON` {
    private func read(_ text: String) throws -> [String: FlatJSON.Value] {
        try read(Array(text.utf8))
    }

    private func read(_ bytes: [UInt8]) throws -> [String: FlatJSON.Value] {
        Dictionary(uniqueKeysWithValues: try FlatJSON.read(bytes).map { ($0.key, $0.value) })
    }

    @Test func `reads every kind of value`() throws {
        #expect(try read("{}") == [:])
        #expect(try read(" \t\r\n{ \n} \n") == [:])
        #expect(
            try read(#"{"a":"x","b":-12,"c":true,"d":false,"e":null,"":0}"#) == [
                "a": .string("x"), "b": .integer(-12), "c": .bool(true), "d": .bool(false),
                "e": .null, "": .integer(0),
            ])
        #expect(
            try read(#"{"a":9223372036854775807,"b":-9223372036854775808,"c":-0}"#) == [
                "a": .integer(.max), "b": .integer(.min), "c": .integer(0),
            ])
    }

    @Test func `reads escapes and characters outside the first plane`() throws {
        #expect(
            try read(#"{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83e\uddb7\u0000"}"#) == [
                "a": .string("\"\\/\u{8}\u{C}\n\r\tAé🦷\0")
            ])
        #expect(try read(#"{"é🦷":"é🦷"}"#) == ["é🦷": .string("é🦷")])
        #expect(try read(#"{"\u0061":1}"#) == ["a": .integer(1)])
    }

    @Test(arguments: [
        "", " ", "1", "null", "[]", "\"a\"", "{", "}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1",
        "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{a:1}", "{'a':1}", "{1:1}",
        "{\"a\":1}x", "{\"a\":1}{}", "{\"a\":{}}", "{\"a\":[]}", "{\"a\":[1]}", "{\"a\":tru}",
        "{\"a\":True}", "{\"a\":nullx}", "{\"a\":01}", "{\"a\":-}", "{\"a\":+1}", "{\"a\":1.0}",
        "{\"a\":1e3}", "{\"a\":-1E3}", "{\"a\":.5}", "{\"a\":0x10}", "{\"a\":NaN}",
        "{\"a\":9223372036854775808}", "{\"a\":-9223372036854775809}",
        "{\"a\":\"\n\"}", "{\"a\":\"\u{0}\"}", #"{"a":"\x"}"#, #"{"a":"\u12"}"#, #"{"a":"\u12g4"}"#,
        #"{"a":"\ud83e"}"#, #"{"a":"\ud83ex"}"#, #"{"a":"\ud83e\n"}"#, #"{"a":"\ud83e\u0041"}"#,
        #"{"a":"\uddb7"}"#, #"{"a":"\ud83e\ud83e"}"#, #"{"a":"\"#, #"{"a":"\u"#, #"{"a":"x"#,
        "\u{FEFF}{}", "{}\0", "/**/{}", "{\"a\":1,\"a\":1}", #"{"a":1,"\u0061":2}"#,
    ])
    func `refuses what is not one flat object`(text: String) {
        #expect(throws: FlatJSON.Fault.self) { try read(text) }
    }

    @Test(
        arguments: [
            [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80],
            [0xE2, 0x82],
        ] as [[UInt8]])
    func `refuses a text that is not UTF-8`(bytes: [UInt8]) {
        let quoted = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
        let head = Array("{\"a\":".utf8)
        let end = Array("}".utf8)
        #expect(throws: FlatJSON.Fault.self) { try read(head + quoted + end) }
        #expect(throws: FlatJSON.Fault.self) {
            try read(Array("{".utf8) + quoted + Array(":1}".utf8))
        }
    }

    @Test func `names the field and the place`() {
        #expect(throws: FlatJSON.Fault(problem: "the field \"a\" comes twice", offset: 10)) {
            try read(#"{"a":1,"a":2}"#)
        }
        #expect(throws: FlatJSON.Fault(problem: "something follows the object", offset: 3)) {
            try read("{} {}")
        }
    }

    /// Nesting is refused at its first bracket, so a deep body costs no stack.
    @Test func `does not follow nesting`() {
        let deep = String(repeating: "{\"a\":", count: 500)
        #expect(throws: FlatJSON.Fault.self) { try read(deep) }
        #expect(throws: FlatJSON.Fault.self) {
            try read("{\"a\":" + String(repeating: "[", count: 4_000))
        }
    }

    /// Comparing each new name with all earlier ones is quadratic, so their number is bounded.
    @Test func `refuses an object of many fields`() throws {
        func object(_ count: Int) -> String {
            "{" + (0..<count).map { "\"\($0)\":1" }.joined(separator: ",") + "}"
        }
        #expect(try read(object(FlatJSON.membersMax)).count == FlatJSON.membersMax)
        #expect(throws: FlatJSON.Fault.self) { try read(object(FlatJSON.membersMax + 1)) }
    }

    // MARK: Random bodies

    @Test func `agrees with another reader about random objects`() throws {
        var random = SplitMix64(seed: Seed.current("flat JSON, random objects"))
        for _ in 0..<4_000 {
            let object = RandomObject(&random)
            let theirs = try JSONDecoder().decode(
                [String: Plain].self, from: Data(object.text.utf8))
            let ours = try read(object.text)
            try #require(ours == theirs.mapValues(\.value), "\(object.text)")
            try #require(ours == object.members, "\(object.text)")
        }
    }

    /// Whatever we take, the other reader takes and reads alike; nothing traps.
    @Test func `survives random bytes`() throws {
        var random = SplitMix64(seed: Seed.current("flat JSON, random bytes"))
        let parts = [
            "{", "}", "\"", ":", ",", "a", "\\", "\\u", "d83e", "\\uddb7", "0", "1", "-", "true",
            "null", " ", "[", "é", "e", ".",
        ].map { Array($0.utf8) }
        var taken = 0
        for _ in 0..<60_000 {
            var bytes: [UInt8] = Bool.random(using: &random) ? Array("{\"a\":".utf8) : []
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                if Int.random(in: 0..<8, using: &random) == 0 {
                    bytes.append(.random(in: .min ... .max, using: &random))
                } else {
                    bytes += parts[Int.random(in: 0..<parts.count, using: &random)]
                }
            }
            if Bool.random(using: &random) { bytes += Array("}".utf8) }
            guard let ours = try? read(bytes) else { continue }
            taken += 1
            let theirs = try JSONDecoder().decode([String: Plain].self, from: Data(bytes))
            try #require(ours == theirs.mapValues(\.value), "\(bytes)")
        }
        #expect(taken > 100)
    }
}

/// A good body with a few bytes changed is where readers differ.
extension `Flat JSON` {
    @Test func `agrees with another reader about bodies that were tampered with`() async throws {
        var random = SplitMix64(seed: Seed.current("flat JSON, tampered bodies"))
        var box = TimeBox("flat JSON, tampered bodies", share: 50, atLeast: 100)
        var taken = 0
        while await box.hasTime {
            var bytes = Array(RandomObject(&random).text.utf8)
            for _ in 0...Int.random(in: 0...3, using: &random) { Self.tamper(&bytes, &random) }
            guard let ours = try? read(bytes) else { continue }
            taken += 1
            let theirs = try JSONDecoder().decode([String: Plain].self, from: Data(bytes))
            try #require(ours == theirs.mapValues(\.value), "\(bytes)")
        }
        box.report()
        #expect(taken > 0)
    }

    /// Whatever it holds, a large body is read once from begin to end.
    @Test(arguments: ["{", "[", "\"", "\\", "{\"a\":", "\u{0}", "1", " ", "é", "{\"a\":\""])
    func `refuses a large body of one thing`(part: String) {
        let text = String(repeating: part, count: 1_000_000 / part.utf8.count)
        for start in ["", "{", "{\"a\":", "{\"a\":\""] {
            #expect(throws: FlatJSON.Fault.self) { try read(start + text) }
        }
    }

    private static func tamper(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.insert(.random(in: .min ... .max, using: &random), at: place)
        case 1 where place < bytes.count:
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2 where place < bytes.count: bytes.remove(at: place)
        case 3: bytes.removeLast(bytes.count - place)
        default: bytes.insert(contentsOf: bytes[..<place].suffix(9), at: place)
        }
    }
}

/// A value as the other reader sees it.
private struct Plain: Decodable {
    let value: FlatJSON.Value

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = .null
        } else if let bool = try? container.decode(Bool.self) {
            value = .bool(bool)
        } else if let integer = try? container.decode(Int64.self) {
            value = .integer(integer)
        } else {
            value = .string(try container.decode(String.self))
        }
    }
}

/// A flat object and one of the many ways to write it.
private struct RandomObject {
    var members: [String: FlatJSON.Value] = [:]
    var text = ""

    init(_ random: inout SplitMix64) {
        var parts: [String] = []
        for index in 0..<Int.random(in: 0...6, using: &random) {
            let key = "\(index)" + Self.word(&random)
            let (value, written) = Self.value(&random)
            members[key] = value
            parts.append(
                Self.blank(&random) + Self.quoted(key, &random) + Self.blank(&random) + ":"
                    + Self.blank(&random) + written + Self.blank(&random))
        }
        text = Self.blank(&random) + "{" + parts.joined(separator: ",") + "}" + Self.blank(&random)
    }

    private static func value(_ random: inout SplitMix64) -> (FlatJSON.Value, String) {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return (.null, "null")
        case 1: return (.bool(true), "true")
        case 2: return (.bool(false), "false")
        case 3:
            let bits = Int64.random(in: 0..<64, using: &random)
            let number = Int64.random(in: .min ... .max, using: &random) >> bits
            return (.integer(number), "\(number)")
        default:
            let word = word(&random)
            return (.string(word), quoted(word, &random))
        }
    }

    private static func word(_ random: inout SplitMix64) -> String {
        let letters = Array("abc\"\\/\n\t\u{8}\u{1F} é🦷中\u{7F}\u{10FFFF}".unicodeScalars)
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            scalars.append(letters[Int.random(in: 0..<letters.count, using: &random)])
        }
        return String(scalars)
    }

    private static func quoted(_ text: String, _ random: inout SplitMix64) -> String {
        var written = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 32 || scalar == "\"" || scalar == "\\"
            if mustEscape || Int.random(in: 0..<4, using: &random) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: .random(using: &random))
                    written += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                written.unicodeScalars.append(scalar)
            }
        }
        return written + "\""
    }

    private static func blank(_ random: inout SplitMix64) -> String {
        ["", "", "", " ", "\n", "\t\r "][Int.random(in: 0..<6, using: &random)]
    }
}
