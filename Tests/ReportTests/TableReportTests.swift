import Billing
import Metering
import Reports
import TestSupport
import Testing

@Suite(.timed) struct `Table report` {
    @Test func `looks like this`() throws {
        // Each line is folded before its limits. 齒科 takes four columns on a terminal.
        let table = """
            Billing report for 2026-11 (UTC)

            clinic                                name                  plan   status    users  \
                  max  patients        max  api calls   included  bytes stored   included  findings
            elm-street                            Elm Street, "Dental"  basic  active        3  \
                  100        40        100       1234        100    5000000000        100
            oak                                   齒科                  open   past_due      3  \
            unlimited        40  unlimited       1234  unlimited    5000000000  unlimited
            00000000-0000-0000-0000-000000000003  =new                                       3  \
                             40                  1234               5000000000

            as of 2026-11-23 10:00:07 UTC, 42 s old

            """
        #expect(try SampleReport().text(.table) == table)
    }

    @Test func `says so when there are no clinics and nothing was rolled up`() throws {
        let sample = try SampleReport()
        let age = ReportAge(asOf: nil, madeAt: sample.age.madeAt)
        let lines = Self.lines(SampleReport.text(.table, sample.month, [], age))
        #expect(lines.contains("no clinics"))
        #expect(lines.last == "no roll-up of this month yet")
    }

    @Test(arguments: [999, 1_000, 1_001, 2_500])
    func `stops at 1,000 rows and says so`(count: Int) throws {
        let sample = try SampleReport()
        let rows = (1...count).map { number in
            SampleReport.row(
                sample.month, id: UInt64(number), subdomain: "clinic-\(number)", name: "n")
        }
        let lines = Self.lines(SampleReport.text(.table, sample.month, rows, sample.age))
        #expect(lines.count { $0.hasPrefix("clinic-") } == min(count, 1_000))
        let note = "the first 1000 of \(count) rows; --format csv or --format json gives all"
        #expect(lines.contains(note) == (count > 1_000))
        #expect(lines.last == sample.age.description)
    }

    @Test(arguments: [
        0x00, 0x07, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x80, 0x85, 0x9B, 0xAD, 0x061C, 0x200B, 0x200E,
        0x200F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069, 0xFEFF, 0xFFF9, 0xE0041,
    ])
    func `lets nothing through that a terminal acts on`(code: UInt32) throws {
        let month = try #require(Month("2026-11"))
        let scalar = Character(try #require(Unicode.Scalar(code)))
        for name in [
            "\(scalar)", "a\(scalar)b", "\(scalar)[31m", "\r\n\(scalar)\r\n", "é\(scalar)",
        ] {
            let row = SampleReport.row(month, id: 1, subdomain: name, name: name, plan: name)
            let text = SampleReport.text(.table, month, [row], try SampleReport().age)
            let acts = text.unicodeScalars.filter { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: scalar != "\n"
                default: false
                }
            }
            #expect(acts.isEmpty)
            #expect(text.unicodeScalars.count { $0 == "\u{FFFD}" } >= 3)
            #expect(Self.lines(text).count == 4, "title, heading, the clinic, the age")
        }
    }

    @Test func `keeps the joiners that scripts and emoji need`() throws {
        let month = try #require(Month("2026-11"))
        for name in ["می\u{200C}خواهم", "👩\u{200D}⚕️"] {
            let row = SampleReport.row(month, id: 1, subdomain: "a", name: name)
            let text = SampleReport.text(.table, month, [row], try SampleReport().age)
            #expect(text.contains(name))
        }
    }

    @Test(arguments: [
        ("plain", 5), ("é", 1), ("e\u{301}", 1), ("齒科", 4), ("ｱ", 1), ("Ａ", 2), ("한국", 4),
        ("😀", 2), ("🇩🇪", 2), ("👩\u{200D}⚕️", 2), ("❤️", 2), ("\u{301}", 0),
    ])
    func `aligns what follows by the columns of a terminal`(name: String, columns: Int) throws {
        let month = try #require(Month("2026-11"))
        let row = SampleReport.row(month, id: 1, subdomain: "a", name: name, plan: "PLAN")
        let ruler = SampleReport.row(month, id: 2, subdomain: "b", name: "1234567", plan: "PLAN")
        let text = SampleReport.text(.table, month, [row, ruler], try SampleReport().age)
        let line = try #require(Self.lines(text).first { $0.hasPrefix("a ") })
        let expected = name + String(repeating: " ", count: 7 - columns + 2) + "PLAN"
        // Scalars, because a mark at the beginning of a name joins the blank before it.
        #expect(Array(line.unicodeScalars).contains(Array(expected.unicodeScalars)))
    }

    @Test(arguments: [
        (String(repeating: "x", count: 40), String(repeating: "x", count: 40)),
        (String(repeating: "x", count: 41), String(repeating: "x", count: 39) + "…"),
        (String(repeating: "科", count: 20), String(repeating: "科", count: 20)),
        (String(repeating: "科", count: 21), String(repeating: "科", count: 19) + "…"),
    ])
    func `cuts a long name`(name: String, shown: String) throws {
        let month = try #require(Month("2026-11"))
        let row = SampleReport.row(month, id: 1, subdomain: "a", name: name)
        let text = SampleReport.text(.table, month, [row], try SampleReport().age)
        #expect(text.contains("  \(shown)  "))
    }

    @Test func `bounds a character with any number of marks on it`() throws {
        let month = try #require(Month("2026-11"))
        let name = "e" + String(repeating: "\u{301}", count: 100_000)
        let row = SampleReport.row(month, id: 1, subdomain: "a", name: name)
        let text = SampleReport.text(.table, month, [row], try SampleReport().age)
        #expect(text.utf8.count < 1_000)
    }

    @Test func `leaves no blanks at the end of a line`() throws {
        let lines = Self.lines(try SampleReport().text(.table))
        #expect(lines.allSatisfy { !$0.hasSuffix(" ") })
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init)
    }
}
