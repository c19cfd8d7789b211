import Billing
import Metering
import Reports
import TestSupport
import Testing

@Suite(.timed) struct `CSV report` {
    static let header =
        "month,clinic_id,subdomain,name,plan,payment_status,users,max_users,patients,max_patients,"
        + "api_calls,api_calls_included,storage_used,storage_included,users_percent,patients_percent,"
        + "api_calls_percent,storage_percent,storage_peak,open_attention,drift,findings\n"

    @Test func `looks like this`() throws {
        let zeros = "00000000-0000-0000-0000-00000000000"
        let csv =
            Self.header
            + "2026-11,\(zeros)1,elm-street,\"Elm Street, \"\"Dental\"\"\",basic,active,"
            + "3,100,40,100,1234,100,5000000000,100,3,,,,5000000001,2,1,\n"
            + "2026-11,\(zeros)2,oak,齒科,open,past_due,3,,40,,1234,,5000000000,,,,,,5000000001,2,1,\n"
            + "2026-11,\(zeros)3,,'=new,,,3,,40,,1234,,5000000000,,,,,,5000000001,2,1,\n"
        #expect(try SampleReport().text(.csv) == csv)
    }

    @Test func `is only a header when there are no clinics`() throws {
        let sample = try SampleReport()
        #expect(SampleReport.text(.csv, sample.month, [], sample.age) == Self.header)
    }

    @Test func `guards text that a spreadsheet would run`() throws {
        let month = try #require(Month("2026-11"))
        let cells = [
            ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@sum", "'@sum"),
            ("\t=1", "\"'\t=1\""), ("\r=1", "\"'\r=1\""), ("=\u{301}1", "'=\u{301}1"),
            ("\r\n", "\"'\r\n\""), ("=\"a\"", "\"'=\"\"a\"\"\""), (" =1", " =1"),
            ("'=1", "'=1"), ("a=1", "a=1"), ("\n=1", "\"\n=1\""), ("a\0", "\"a\0\""),
        ]
        for (name, cell) in cells {
            let row = SampleReport.row(month, id: 1, subdomain: name, name: name, plan: name)
            let expected = "\(cell),\(cell),\(cell),active,3,100,"
            let afterID = Array(try Self.line(row).utf8.dropFirst(45))
            #expect(afterID.starts(with: Array(expected.utf8)), "\(name.debugDescription)")
        }
    }

    @Test func `does not guard numbers`() throws {
        let month = try #require(Month("2026-11"))
        let row = SampleReport.row(month, id: 1, subdomain: "a", name: "a", apiCalls: .min)
        #expect(try Self.line(row).contains(",-9223372036854775808,"))
    }

    @Test func `comes back whole through a reader of RFC 4180`() throws {
        let seed = Seed.current("comes back whole through a reader of RFC 4180")
        var random = SplitMix64(seed: seed)
        let month = try #require(Month("2026-11"))
        let marks = Array("=+-@',\"\n\r\t ax\0\u{1B}\u{7F}é\u{301}\u{202E}😀".unicodeScalars)
        func text() -> String {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...6, using: &random) { text.append(random.pick(marks)) }
            return String(text)
        }
        for _ in 0..<300 {
            let rows = (0..<3).map {
                SampleReport.row(
                    month, id: $0, subdomain: text(), name: text(), plan: text(),
                    paymentStatus: random.pick(PaymentStatus.allCases).rawValue, findings: text())
            }
            let csv = SampleReport.text(.csv, month, rows, try SampleReport().age)
            let records = try #require(RFC4180.records(of: Array(csv.utf8)), "seed \(seed)")
            #expect(records.map(\.count) == [22, 22, 22, 22], "seed \(seed)")
            for (row, record) in zip(rows, records.dropFirst()) {
                let cells = [row.subdomain ?? "", row.name, row.plan ?? ""].map(Self.guarded)
                #expect(Array(record[2...4]) == cells, "seed \(seed)")
                #expect(record[1] == Array(row.clinic.description.utf8), "seed \(seed)")
                let status = row.paymentStatus ?? ""
                #expect(record[5] == Array(status.utf8), "seed \(seed)")
            }
        }
    }

    private static func guarded(_ text: String) -> [UInt8] {
        let scalars = Array(text.unicodeScalars)
        let isFormula = scalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
        return Array((isFormula ? "'" : "").utf8) + Array(text.utf8)
    }

    private static func line(_ row: ReportRow) throws -> String {
        let csv = SampleReport.text(.csv, row.month, [row], try SampleReport().age)
        return String(decoding: csv.utf8.dropFirst(header.utf8.count), as: UTF8.self)
    }
}

/// A reader of RFC 4180 with LF line ends that accepts nothing else.
enum RFC4180 {
    static func records(of csv: [UInt8]) -> [[[UInt8]]]? {
        var records: [[[UInt8]]] = []
        var record: [[UInt8]] = []
        var rest = csv[...]
        while !rest.isEmpty {
            guard let (field, end) = field(&rest) else { return nil }
            record.append(field)
            if end == 10 {
                records.append(record)
                record = []
            }
        }
        return record.isEmpty ? records : nil
    }

    /// Takes one field and the comma or LF after it.
    private static func field(_ rest: inout ArraySlice<UInt8>) -> ([UInt8], UInt8)? {
        var field: [UInt8] = []
        if rest.first == 34 {
            rest.removeFirst()
            while true {
                guard let byte = rest.popFirst() else { return nil }
                if byte != 34 {
                    field.append(byte)
                } else if rest.first == 34 {
                    rest.removeFirst()
                    field.append(34)
                } else {
                    break
                }
            }
        } else {
            while let byte = rest.first, byte != 44, byte != 10 {
                guard byte != 34, byte >= 0x20, byte != 0x7F else { return nil }
                field.append(byte)
                rest.removeFirst()
            }
        }
        guard let end = rest.popFirst(), end == 44 || end == 10 else { return nil }
        return (field, end)
    }
}
