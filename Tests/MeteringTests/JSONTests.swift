import Metering
import Testing
import TestSupport

@Suite(.timed) struct `JSON as it is written` {
    @Test func `keeps digits, order and texts`() throws {
        let text =
            #"{"b": [1, -2.50, 1e3, {}], "a": "q\"\\\n", "é": "\u00e9\ud83d\ude00", "n": null}"#
        let json = try JSON(text, bytesMax: 1_000)
        #expect(
            json
                == .object([
                    .init(
                        key: "b",
                        value: .list([
                            .number("1"), .number("-2.50"), .number("1e3"), .object([]),
                        ])),
                    .init(key: "a", value: .text("q\"\\\n")),
                    .init(key: "é", value: .text("é😀")), .init(key: "n", value: .null),
                ]))
        #expect("\(json)" == #"{"b": [1, -2.50, 1e3, {}], "a": "q\"\\\n", "é": "é😀", "n": null}"#)
        #expect(try JSON(json.indented, bytesMax: 1_000) == json)
    }

    @Test(arguments: [
        (#"{"a": 1, "b": {"c": 1, "c": 1}}"#, "b.c is named twice (line 1)"),
        ("{\"a\": 1,\n \"\\u0061\": 2}", "a is named twice (line 2)"),
        (#"[{"a": [1, {"x": 1, "x": 2}]}]"#, "0.a.1.x is named twice"),
        ("", "ends too early"), ("{", "has a member without a key"),
        ("[1 2]", "is missing a comma or ]"),
        (#"{"a" 1}"#, "a has no colon"), ("{\"a\": 1,}", "has a member without a key"),
        ("[1,]", "is not JSON"), ("01", "is not a JSON number"), ("1.", "is not a JSON number"),
        ("1e", "is not a JSON number"), ("-", "is not a JSON number"), ("+1", "is not JSON"),
        ("NaN", "is not JSON"),
        ("1 1", "has text after its end"), ("\"a", "has a string that does not end"),
        ("\"\t\"", "has a control character"), (#""\x""#, "has an unknown escape"),
        (#""\ud800""#, "has half a character"), (#""\ud800\u0041""#, "has half a character"),
        (#""\udc00""#, "cannot be stored"), (#""\u0000""#, "cannot be stored"),
        (#""\u00g0""#, "has an unknown escape"), ("tru", "is not JSON"), ("// x", "is not JSON"),
    ])
    func `is refused with the place`(text: String, says: String) {
        #expect {
            try JSON(text, bytesMax: 1_000)
        } throws: {
            "\($0)".contains(says)
        }
    }

    @Test func `is bounded in length and depth, and is UTF-8`() throws {
        let deep = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        _ = try JSON(deep, bytesMax: 64)
        for text in [deep + " ", "[\(deep)]", String(repeating: "[", count: 100_000)] {
            #expect(throws: JSONFault.self) {
                try JSON(text, bytesMax: text == deep + " " ? 64 : 200_000)
            }
        }
        #expect(throws: JSONFault.self) { try JSON(bytes: [0x22, 0xFF, 0x22], bytesMax: 10) }
    }

    /// Whatever is read and written is read as the same, and no byte of it makes the reader trap.
    @Test func `comes back the same, and survives any damage`() async throws {
        let name = "JSON round trip"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 20)
        while await box.hasTime {
            let json = Self.random(depth: 4, using: &random)
            for text in ["\(json)", json.indented] {
                #expect(try JSON(text, bytesMax: 1 << 20) == json)
            }
            var bytes = Array("\(json)".utf8)
            for _ in 0..<3 where !bytes.isEmpty {
                bytes[.random(in: bytes.indices, using: &random)] = .random(
                    in: .min ... .max, using: &random)
            }
            if let damaged = try? JSON(bytes: bytes, bytesMax: 1 << 20) {
                #expect(try JSON("\(damaged)", bytesMax: 1 << 21) == damaged)
            }
        }
        box.report()
    }

    private static func random(depth: Int, using random: inout SplitMix64) -> JSON {
        switch Int.random(in: depth == 0 ? 2..<6 : 0..<6, using: &random) {
        case 0:
            return .list(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    Self.random(depth: depth - 1, using: &random)
                })
        case 1:
            return .object(
                (0..<Int.random(in: 0...4, using: &random)).map { place in
                    JSON.Member(
                        key: "\(place)" + text(using: &random),
                        value: Self.random(depth: depth - 1, using: &random))
                })
        case 2: return .null
        case 3: return .bool(Bool.random(using: &random))
        case 4:
            return .number(
                ["0", "-1", "1.50", "1e-7", "123456789012345678901234567890"].randomElement(
                    using: &random) ?? "0")
        default: return .text(text(using: &random))
        }
    }

    private static func text(using random: inout SplitMix64) -> String {
        let scalars: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "\u{1}", "\u{7F}", "é", "😀", "/"]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            text.append(scalars.randomElement(using: &random) ?? "a")
        }
        return String(text)
    }
}
