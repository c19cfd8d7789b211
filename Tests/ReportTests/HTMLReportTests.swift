import Billing
import Crypto
import Foundation
import Metering
import TestSupport
import Testing

@testable import Reports

@Suite(.timed) struct `HTML report` {
    private static func page(
        _ rows: [ReportRow], _ change: (inout ReportFigures) -> Void = { _ in },
        wanted: Int64? = nil
    ) throws -> String {
        let sample = try SampleReport()
        var figures = ReportFigures()
        figures.totals.clinics = Int64(rows.count)
        figures.top = Array(rows.prefix(20))
        change(&figures)
        var report = HTMLReport(figures, of: ReportSelection(month: sample.month))
        for row in rows { report.add(row) }
        return String(decoding: try report.page(sample.age, wanted: wanted), as: UTF8.self)
    }

    private static func row(_ name: String) throws -> ReportRow {
        SampleReport.row(
            try SampleReport().month, id: 1, subdomain: name, name: name, plan: name,
            paymentStatus: name, findings: "over_calls drift")
    }

    /// A browser looks at code points: a quote with a mark on it ends an attribute like any other.
    @Test(arguments: [
        "<script>alert(1)</script>", "\"\u{301} onmouseover=alert(1) x=\"", "'\u{338}x",
        "<\u{301}img>",
        "</title><script>", "&lt;", "]]>", "--><b>", "{{style}}", "\u{7}\u{1B}[31m\u{85}",
    ])
    func `lets nothing that people typed become markup`(name: String) throws {
        let plain = try Self.page([try Self.row("plain")])
        let page = try Self.page([try Self.row(name)])
        func marks(_ text: String) -> [Unicode.Scalar: Int] {
            let marks = text.unicodeScalars.filter { "<>\"'".unicodeScalars.contains($0) }
            return Dictionary(marks.map { ($0, 1) }, uniquingKeysWith: +)
        }
        #expect(marks(page) == marks(plain))
        #expect(
            !page.unicodeScalars.contains {
                $0.properties.generalCategory == .control && $0 != "\n"
            })
    }

    @Test func `begins every template with its own escaping`() {
        for (name, bytes) in HTMLTemplates.files {
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.hasPrefix("{{% CONTENT_TYPE:\(HTMLEscaping.name)}}\n"), "\(name)")
            let unescaped = text.matches(of: /\{\{[{&]\s*(\w+)/).map { String($0.1) }
            #expect(Set(unescaped).isSubset(of: ["style", "styleHash"]), "\(name)")
        }
    }

    @Test func `allows its own style by hash, and nothing else`() throws {
        let digest = SHA256.hash(data: Data(HTMLTemplates.style.utf8))
        #expect(HTMLTemplates.styleHash == "sha256-" + Data(digest).base64EncodedString())
        let page = try Self.page([])
        #expect(page.contains("<style>\(HTMLTemplates.style)</style>"))
        #expect(page.contains("default-src 'none'; style-src '\(HTMLTemplates.styleHash)'"))
        for word in ["<script", " style=", "http:", "https:", "@import", "url("] {
            #expect(!page.contains(word), "\(word)")
        }
    }

    @Test func `shows 500 rows and counts the others`() throws {
        let row = try Self.row("a")
        let page = try Self.page(Array(repeating: row, count: 700)) { $0.totals.clinics = 12_345 }
        #expect(page.components(separatedBy: "<th scope=\"row\"><bdi").count == 501)
        #expect(page.contains("500 of 12,345 are shown; left out: 11,845. billing report"))
        let few = try Self.page([row], { $0.totals.clinics = 12_345 }, wanted: 1)
        #expect(few.contains("1 of 12,345 are shown; left out: 12,344, as requested."))
    }

    @Test func `says so where there is nothing`() throws {
        let page = try Self.page([])
        #expect(page.contains("No clinic is chosen by this report."))
        #expect(page.contains("No calls are noted by day in this month."))
        #expect(!page.contains("<table"))
    }

    @Test func `draws the largest numbers`() throws {
        let month = try SampleReport().month
        let page = try Self.page([try Self.row("a")]) {
            $0.totals.apiCalls = .max
            $0.days = [1: .max, 2: .min, 3: 0]
            $0.months = [
                ReportMonth(month: month, clinics: .max, apiCalls: .max, storageUsed: .max)
            ]
            $0.brackets = [.calls: [.full: .max, .unlimited: .max]]
            $0.standing = [
                ReportGroup(
                    key: "odd", clinics: .max, users: 0, patients: 0, apiCalls: 0, storageUsed: 0,
                    storagePeak: 0, findings: ReportFindings())
            ]
        }
        #expect(page.contains("9,223,372,036,854,775,807"))
    }
}

@Suite(.timed) struct `Numbers of the page` {
    @Test(
        arguments: [
            (0, "0"), (999, "999"), (99_999, "99,999"), (100_000, "100\u{A0}k"),
            (1_234_567, "1.2\u{A0}M"), (-1_999_999, "\u{2212}1.9\u{A0}M"), (.max, "9.2\u{A0}qn"),
            (.min, "\u{2212}9.2\u{A0}qn"),
        ] as [(Int64, String)])
    func `are short where they are long`(number: Int64, text: String) {
        #expect(HTMLNumbers.compact(number) == text)
    }

    @Test(
        arguments: [
            (0, "0\u{A0}B"), (1_023, "1023\u{A0}B"), (1_024, "1\u{A0}KiB"),
            (1_610_612_736, "1.5\u{A0}GiB"), (.max, "7.9\u{A0}EiB"),
        ] as [(Int64, String)])
    func `of bytes are in powers of 1024`(number: Int64, text: String) {
        #expect(HTMLNumbers.bytes(number) == text)
    }

    @Test func `are parts of a whole without overflow`() {
        #expect(HTMLNumbers.permille(1, of: Int64(3)) == 333)
        #expect(HTMLNumbers.permille(.max, of: Int64.max) == 1_000)
        #expect(HTMLNumbers.permille(.max - 1, of: Int64.max) == 999)
        #expect(HTMLNumbers.permille(.max, of: Int64(1)) == 1_000)
        #expect(HTMLNumbers.permille(-5, of: Int64(1)) == 0)
        #expect(HTMLNumbers.permille(5, of: Int64(0)) == 0)
        #expect(HTMLNumbers.permille(7, of: Int64(2), upTo: 4_000) == 3_500)
        #expect(HTMLNumbers.length(375) == "37.5%")
    }

    @Test(
        arguments: [
            (112, 100, "12\u{A0}% more than"), (88, 100, "12\u{A0}% less than"),
            (100, 100, "the same as"), (1_001, 1_000, "less than 1\u{A0}% more than"),
            (.max, 1, "over 9,999\u{A0}% more than"), (1, 0, nil),
        ] as [(Int64, Int64, String?)])
    func `say how a month stands to another`(now: Int64, before: Int64, text: String?) {
        #expect(HTMLNumbers.change(now, from: before) == text)
    }

    @Test(
        arguments: [
            (0, 1), (1, 1), (4, 1), (5, 2), (32, 8), (33, 10), (1_250, 400),
            (.max, 3_000_000_000_000_000_000),
        ] as [(Int64, UInt64)])
    func `of a scale are round, and four of them hold the largest`(largest: Int64, step: UInt64) {
        #expect(ColumnChart.step(for: largest) == step)
        #expect(step * 4 >= largest.magnitude)
    }
}
