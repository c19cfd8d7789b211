import TestSupport
import Testing

@testable import Shell

@Suite struct `Nearest word` {
    @Test(arguments: [
        ("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("abc", "", 3),
        ("CHEKPOINT", "CHECKPOINT", 1),
        ("kitten", "sitting", 3), ("flaw", "lawn", 2),
    ])
    func `counts the changes between two texts`(left: String, right: String, changes: Int) {
        #expect(NearestWord.distance(left, right) == changes)
        #expect(NearestWord.distance(right, left) == changes)
    }

    @Test func `keeps the triangle inequality`() {
        var random = SplitMix64(seed: Seed.current("nearest word"))
        func word() -> String {
            String(
                (0..<Int.random(in: 0...8, using: &random)).map { _ in
                    Bool.random(using: &random) ? "a" as Character : "b"
                })
        }
        for _ in 0..<2_000 {
            let (a, b, c) = (word(), word(), word())
            let around = NearestWord.distance(a, b) + NearestWord.distance(b, c)
            #expect(NearestWord.distance(a, c) <= around, "\(a) \(b) \(c)")
        }
    }

    @Test func `is bounded for a name of any length`() {
        let long = String(repeating: "X", count: 131_072)
        #expect(NearestWord.to(long, among: ["A", "XX"]) == "XX")
        #expect(NearestWord.to("x", among: []) == nil)
    }
}

@Suite struct `Console text` {
    @Test(arguments: [
        ("plain", "\"plain\""), ("a\u{1B}[31mb", "\"a\u{FFFD}[31mb\""), ("a\nb", "\"a\u{FFFD}b\""),
        ("\u{202E}abc", "\"\u{FFFD}abc\""), ("", "\"\""),
    ])
    func `holds nothing that a terminal acts on`(text: String, shown: String) {
        #expect(Console.shown(text) == shown)
    }

    @Test func `is cut at 80 characters`() {
        let text = Console.shown(String(repeating: "n", count: 81))
        #expect(text == "\"" + String(repeating: "n", count: 80) + "…\"")
    }

    @Test func `is one line`() {
        #expect(Console.oneLine("refused\n\tIs it running?\n") == "refused; Is it running?")
    }
}

@Suite struct `Duration in a setting` {
    @Test(arguments: [
        (Duration.milliseconds(250), "250ms"), (.seconds(1), "1s"), (.seconds(90), "90s"),
        (.seconds(60), "1m"), (.seconds(7_200), "2h"), (.seconds(86_400), "1d"), (.zero, "0ms"),
    ])
    func `is written in the largest unit that fits`(duration: Duration, text: String) {
        #expect(duration.settingText == text)
    }
}
