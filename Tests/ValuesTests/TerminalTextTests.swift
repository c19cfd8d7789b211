import TestSupport
import Testing
import Values

@Suite(.timed) struct `Text for a terminal` {
    @Test(arguments: [
        ("plain", "\"plain\""), ("a\u{1B}[31mb", "\"a\u{FFFD}[31mb\""), ("a\nb", "\"a\u{FFFD}b\""),
        ("\u{202E}abc", "\"\u{FFFD}abc\""), ("", "\"\""),
    ])
    func `between quotes holds nothing that a terminal acts on`(text: String, shown: String) {
        #expect(TerminalText.quoted(text) == shown)
    }

    @Test func `between quotes is cut at 80 characters`() {
        let text = TerminalText.quoted(String(repeating: "n", count: 81))
        #expect(text == "\"" + String(repeating: "n", count: 80) + "…\"")
    }

    @Test(arguments: [
        ("plain", 5, "plain", 5), ("plainer", 5, "plai…", 5), ("齒科", 4, "齒科", 4),
        ("齒科醫", 4, "齒…", 3), ("a\nb", 9, "a\u{FFFD}b", 3), ("", 5, "", 0),
        ("👩\u{200D}⚕️", 2, "👩\u{200D}⚕️", 2),
    ])
    func `is cut where it is too wide`(text: String, most: Int, shown: String, width: Int) {
        let fitted = TerminalText.fitted(text, in: most)
        #expect(fitted.text == shown)
        #expect(fitted.width == width)
    }

    @Test func `bounds a character with any number of marks on it`() {
        let text = "e" + String(repeating: "\u{301}", count: 100_000)
        #expect(TerminalText.fitted(text, in: 5).text.unicodeScalars.count == 8)
    }
}
