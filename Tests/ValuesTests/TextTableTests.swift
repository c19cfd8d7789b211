import TestSupport
import Testing
import Values

@Suite(.timed) struct `A table of text` {
    @Test func `aligns text left and numbers right, without blanks at the ends of lines`() {
        var table = TextTable(columns: [
            .init("plan"), .init("users", isNumber: true), .init("note", most: 6),
        ])
        table.add(["Basic", "3", "none"])
        table.add(["齒科", "1200", "overflows"])
        let text = """
            plan   users  note
            Basic      3  none
            齒科    1200  overf…

            """
        #expect(table.text == text)
        #expect(table.count == 2)
    }

    @Test func `of headings alone is one line`() {
        let table = TextTable(["id", "clinic"])
        #expect(table.text == "id  clinic\n")
        #expect(table.count == 0)
    }

    @Test func `cuts at 60 columns unless it is told otherwise`() {
        var table = TextTable(["a"])
        table.add([String(repeating: "x", count: 61)])
        #expect(table.text == "a\n" + String(repeating: "x", count: 59) + "…\n")
    }
}
