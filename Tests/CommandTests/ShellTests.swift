import TestSupport
import Testing

@testable import Shell

@Suite(.timed) struct `Nearest word` {
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

    @Test(arguments: [
        ("srve", "serve"), ("http.prot", "http.port"), ("x", nil), ("reprot", "report"),
        ("serev", "serve"),
        ("METERING_FOO", nil), ("frobnicate", nil), ("xy", nil),
    ])
    func `is named only when it is near`(wrong: String, nearest: String?) {
        let words = ["a", "serve", "http.port", "report", "REDIS_URL"]
        #expect(NearestWord.to(wrong, among: words) == nearest)
    }

    @Test func `is bounded for a name of any length`() {
        let long = String(repeating: "X", count: 131_072)
        let near = String(repeating: "X", count: 90)
        #expect(NearestWord.to(long, among: ["A", near]) == near)
        #expect(NearestWord.to("x", among: []) == nil)
    }
}

@Suite(.timed) struct `Console text` {
    @Test func `is one line`() {
        #expect(Console.oneLine("refused\n\tIs it running?\n") == "refused; Is it running?")
    }
}
