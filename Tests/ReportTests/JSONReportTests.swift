import Billing
import FoundationEssentials
import Metering
import Reports
import TestSupport
import Testing

@Suite(.timed) struct `JSON report` {
    /// What a program reads.
    struct Report: Decodable {
        var schema: String
        var month: String
        var rows: [Row]
        var as_of: String?

        struct Row: Decodable {
            var month, clinic_id: String
            var subdomain: String?
            var name: String
            var plan, payment_status: String?
            var users: Int64
            var max_users: Int64?
            var patients: Int64
            var max_patients: Int64?
            var api_calls: Int64
            var api_calls_included: Int64?
            var storage_used: Int64
            var storage_included: Int64?
        }
    }

    private static let rest =
        #","patients_percent":null,"api_calls_percent":null,"storage_percent":null,"#
        + #""storage_peak":5000000001,"open_attention":2,"drift":1,"findings":null}"#

    @Test func `looks like this`() throws {
        let zeros = "00000000-0000-0000-0000-00000000000"
        let json =
            #"{"schema":"billing-report/1","month":"2026-11","rows":["# + "\n"
            + #"{"month":"2026-11","clinic_id":"\#(zeros)1","subdomain":"elm-street","#
            + #""name":"Elm Street, \"Dental\"","plan":"basic","payment_status":"active","#
            + #""users":3,"max_users":100,"patients":40,"max_patients":100,"api_calls":1234,"#
            + #""api_calls_included":100,"storage_used":5000000000,"storage_included":100,"users_percent":3"#
            + Self.rest + "," + "\n"
            + #"{"month":"2026-11","clinic_id":"\#(zeros)2","subdomain":"oak","name":"齒科","#
            + #""plan":"open","payment_status":"past_due","users":3,"max_users":null,"#
            + #""patients":40,"max_patients":null,"api_calls":1234,"api_calls_included":null,"#
            + #""storage_used":5000000000,"storage_included":null,"users_percent":null"#
            + Self.rest + "," + "\n"
            + #"{"month":"2026-11","clinic_id":"\#(zeros)3","subdomain":null,"name":"=new","#
            + #""plan":null,"payment_status":null,"users":3,"max_users":null,"patients":40,"#
            + #""max_patients":null,"api_calls":1234,"api_calls_included":null,"#
            + #""storage_used":5000000000,"storage_included":null,"users_percent":null"#
            + Self.rest + "\n"
            + #"],"as_of":"2026-11-23T10:00:07Z"}"# + "\n"
        #expect(try SampleReport().text(.json) == json)
    }

    @Test func `is whole without rows and without a roll-up`() throws {
        let sample = try SampleReport()
        let age = ReportAge(asOf: nil, madeAt: sample.age.madeAt)
        #expect(
            SampleReport.text(.json, sample.month, [], age)
                == #"{"schema":"billing-report/1","month":"2026-11","rows":[],"as_of":null}"# + "\n"
        )
    }

    @Test func `comes back whole through a JSON decoder`() throws {
        let seed = Seed.current("comes back whole through a JSON decoder")
        var random = SplitMix64(seed: seed)
        let month = try #require(Month("2026-11"))
        let marks =
            (UInt8(0)...0x20).map { Unicode.Scalar($0) }
            + Array("\"\\/\u{7F}\u{85}\u{2028}\u{2029}é\u{301}\u{202E}😀".unicodeScalars)
        for _ in 0..<300 {
            var name = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...8, using: &random) { name.append(random.pick(marks)) }
            let calls = Int64(bitPattern: random.next())
            let row = SampleReport.row(
                month, id: random.next(), subdomain: String(name), name: String(name),
                plan: random.pick([nil, "p", String(name)]),
                limit: random.pick([.none, .unlimited, .limited(.max), .limited(0)]),
                apiCalls: calls)
            let json = SampleReport.text(.json, month, [row, row], try SampleReport().age)
            let isPlain = json.utf8.allSatisfy { $0 == 10 || $0 >= 0x20 && $0 != 0x7F }
            #expect(isPlain, "seed \(seed)")
            let report = try JSONDecoder().decode(Report.self, from: Data(json.utf8))
            #expect(report.rows.count == 2, "seed \(seed)")
            for read in report.rows { expect(read, is: row, "seed \(seed)") }
        }
    }

    private func expect(_ read: Report.Row, is row: ReportRow, _ replay: String) {
        // Scalars, because == on String takes different spellings of a character as equal.
        func same(_ left: String?, _ right: String?) -> Bool {
            left.map { Array($0.utf8) } == right.map { Array($0.utf8) }
        }
        #expect(same(read.name, row.name), "\(replay)")
        #expect(same(read.subdomain, row.subdomain), "\(replay)")
        #expect(same(read.plan, row.plan), "\(replay)")
        #expect(same(read.payment_status, row.paymentStatus), "\(replay)")
        #expect(read.clinic_id == row.clinic.description, "\(replay)")
        #expect(read.api_calls == row.apiCalls, "\(replay)")
        let limit: Int64? = if case .limited(let limit) = row.maxUsers { limit } else { nil }
        let limits = [
            read.max_users, read.max_patients, read.api_calls_included, read.storage_included,
        ]
        #expect(limits == [limit, limit, limit, limit], "\(replay)")
    }
}
