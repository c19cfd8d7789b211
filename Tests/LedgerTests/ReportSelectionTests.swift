import Billing
import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing

/// Twelve clinics whose every number is known: three plans, some without one, some over it.
private struct Sample {
    let database: TestDatabase
    let month: Month

    init(_ database: TestDatabase) async throws {
        self.database = database
        month = try LedgerTests.month("2026-11")
        try await database.makeClinics(12)
        try await database.owner.script(
            """
            INSERT INTO subscription_plans (plan_id, name, max_users, max_patients, features) VALUES
                (1, 'Solo', 2, 100, '{"metering": {"quota": {"api_calls": 1000}, "storage_bytes": 500}}'),
                (2, 'none', 0, 0, '{"metering": {"quota": {"api_calls": 0}, "storage_bytes": 0}}'),
                (3, 'Open', -1, -1, '{"metering": {"quota": {"api_calls": -1}, "storage_bytes": null}}'),
                (4, 'Odd', -1, -1, '{"metering": {"quota": {"api_calls": "many"}, "storage_bytes": 1.5}}');
            ALTER TABLE clinic_subscriptions DROP CONSTRAINT metering_payment_status_check;
            """)
        for (number, plan, status) in [
            (1, 1, "active"), (2, 1, "active"), (3, 1, "past_due"), (4, 1, "suspended"),
            (5, 2, "active"), (6, 2, "trialing"), (7, 3, "canceled"), (8, 4, "vip"),
            (9, 1, "active"), (10, 1, "active"),
        ] {
            try await database.subscribe(.numbered(number), to: Int64(plan), status: status)
        }
        for (number, users, patients, calls, stored) in [
            (1, 1, 99, 799, 499), (2, 2, 100, 1_000, 500), (3, 3, 10, 10, 10), (4, 0, 0, 0, 0),
            (5, 0, 0, 0, 0), (6, 0, 0, 1, 0), (7, 900, 900, 9_000, 900), (8, 1, 1, 1, 1),
            (9, 0, 0, 800, 0), (10, 0, 0, 1_001, 0), (11, 4, 4, 4, 4),
        ] {
            try await database.owner.script(
                """
                INSERT INTO metering.clinic_counter VALUES ('\(ClinicID.numbered(number))', \(users),
                    \(patients), \(stored)) ON CONFLICT (clinic_id) DO UPDATE SET users = excluded.users,
                    patients = excluded.patients, storage_bytes = excluded.storage_bytes;
                INSERT INTO api_usage VALUES ('\(ClinicID.numbered(number))', '2026-11-01', \(calls), \(stored)),
                    ('\(ClinicID.numbered(number))', '2026-10-01', \(calls * 2), 7);
                """)
        }
    }

    /// The numbers of the clinics that a selection leaves, in its order.
    func clinics(
        _ order: ReportOrder = ReportOrder(), _ change: (inout ReportSelection) -> Void = { _ in }
    ) async throws -> [Int] {
        var selection = ReportSelection(month: month)
        change(&selection)
        var names: [String] = []
        try await database.ledger.reports.read { reader in
            try await reader.rows(of: selection, order) { names.append($0.name) }
        }
        return names.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    }

    func row(_ number: Int) async throws -> ReportRow {
        var selection = ReportSelection(month: month)
        selection.clinic = .numbered(number)
        var rows: [ReportRow] = []
        try await database.ledger.reports.read { reader in
            try await reader.rows(of: selection) { rows.append($0) }
        }
        return try #require(rows.first)
    }
}

@Suite(.timed) struct `Clinics of a report` {
    @Test func `are chosen by plan, status, part of a limit and finding`() async throws {
        try await TestDatabase.lend { database in
            let sample = try await Sample(database)
            let all = try await sample.clinics()
            #expect(all.sorted() == Array(1...12))
            #expect(try await sample.clinics { $0.plans = ["Open", "Odd"] } == [7, 8])
            // The plan that is called none, and those without one.
            #expect(try await sample.clinics { $0.plans = ["none"] } == [11, 12, 5, 6])
            #expect(try await sample.clinics { $0.statuses = ["none"] } == [11, 12])
            #expect(try await sample.clinics { $0.statuses = ["past_due", "vip"] } == [3, 8])
            #expect(try await sample.clinics { $0.overPercent = 100 } == [10, 2, 3, 6])
            #expect(try await sample.clinics { $0.overPercent = 80 } == [1, 10, 2, 3, 6, 9])
            #expect(try await sample.clinics { $0.overPercent = 150 } == [3, 6])
            #expect(try await sample.clinics { $0.onlyAttention = true } == [10, 3, 4, 6, 8])
            #expect(
                try await sample.clinics {
                    $0.onlyAttention = true
                    $0.plans = ["Solo"]
                    $0.statuses = ["active"]
                } == [10])
            #expect(try await sample.clinics { $0.plans = ["'; DROP TABLE clinics; --"] } == [])
        }
    }

    @Test func `come in the order of any column`() async throws {
        try await TestDatabase.lend { database in
            let sample = try await Sample(database)
            let byCalls = ReportOrder(column: "api_calls", isDescending: true, top: 4)
            #expect(try await sample.clinics(byCalls) == [7, 10, 2, 9])
            let byUse = ReportOrder(column: "api_calls_percent", isDescending: true, top: 3)
            #expect(try await sample.clinics(byUse) == [10, 2, 9])
            let byName = ReportOrder(column: "name", isDescending: true, top: 2)
            #expect(try await sample.clinics(byName) == [9, 8])
            // What a row lacks comes last, whichever way.
            for isDescending in [true, false] {
                let byPlan = ReportOrder(column: "plan", isDescending: isDescending)
                #expect(try await sample.clinics(byPlan).suffix(2) == [11, 12])
            }
        }
    }

    @Test func `say what there is to look at`() async throws {
        try await TestDatabase.lend { database in
            let sample = try await Sample(database)
            try await database.owner.script(
                """
                INSERT INTO metering.counter_drift (clinic_id, counter, kept, counted, found_at) VALUES
                    ('\(ClinicID.numbered(1))', 'users', 1, 2, '2026-11-01 00:00+00'),
                    ('\(ClinicID.numbered(1))', 'users', 1, 2, '2026-11-30 23:59:59+00'),
                    ('\(ClinicID.numbered(1))', 'storage', 1, 2, '2026-11-15 00:00+00'),
                    ('\(ClinicID.numbered(2))', 'users', 1, 2, '2026-12-01 00:00+00'),
                    ('\(ClinicID.numbered(2))', 'users', 1, 2, '2026-10-31 23:59:59+00');
                SELECT metering.note_attention('refused_plan', '\(ClinicID.numbered(2))', 'a', 'x');
                SELECT metering.note_attention('refused_plan', '\(ClinicID.numbered(2))', 'b', 'x');
                SELECT metering.note_attention('refused_plan', '\(ClinicID.numbered(7))', 'a', 'x');
                SELECT metering.resolve_attention('refused_plan', '\(ClinicID.numbered(7))', 'a');
                SELECT metering.note_attention('general', NULL, '', 'about nobody');
                """)
            let rows = [
                (1, "drift"), (2, "attention"), (3, "over_users past_due"), (4, "suspended"),
                (5, nil), (6, "over_calls"), (7, nil), (8, "unknown_status attention"),
                (10, "over_calls"),
                (11, nil),
            ]
            for (number, findings) in rows {
                #expect(try await sample.row(number).findings == findings, "clinic \(number)")
            }
            let one = try await sample.row(1)
            #expect(one.drift == 2)
            #expect(one.shares == ReportShares(users: 50, patients: 99, apiCalls: 79, storage: 99))
            #expect(try await sample.row(2).openAttention == 2)
            let odd = try await sample.row(8)
            #expect(odd.paymentStatus == "vip")
            #expect(odd.apiCallsIncluded == .none && odd.storageIncluded == .none)
            #expect(try await sample.row(7).apiCallsIncluded == .unlimited)
        }
    }

    @Test func `hold the peak of the month`() async throws {
        try await TestDatabase.lend { database in
            let sample = try await Sample(database)
            try await database.owner.script(
                """
                DELETE FROM metering.storage_month;
                INSERT INTO metering.storage_month VALUES ('\(ClinicID.numbered(1))', '2026-11-01', 499, 1200)
                """)
            #expect(try await sample.row(1).storagePeak == 1_200)
            // Nothing changed in the month, so what was held at its end was held all the time.
            #expect(try await sample.row(2).storagePeak == 500)
            #expect(try await sample.row(12).storagePeak == 0)
        }
    }

    @Test func `are summed by plan, status and month`() async throws {
        try await TestDatabase.lend { database in
            let sample = try await Sample(database)
            var selection = ReportSelection(month: sample.month)
            var groups: [ReportGroup] = []
            var months: [ReportMonth] = []
            var solo: [ReportMonth] = []
            try await database.ledger.reports.read { reader in
                let order = ReportOrder(column: "clinics", isDescending: true)
                try await reader.groups(of: selection, by: .plan, order) { groups.append($0) }
                months = try await reader.months(of: selection)
                selection.plans = ["Solo"]
                solo = try await reader.months(of: selection)
            }
            #expect(groups.map(\.key) == ["Solo", "none", nil, "Odd", "Open"])
            #expect(
                groups[0]
                    == ReportGroup(
                        key: "Solo", clinics: 6, users: 6, patients: 209, apiCalls: 3_610,
                        storageUsed: 1_009, storagePeak: 1_009,
                        findings: ReportFindings(overQuota: 2, pastDue: 2)))
            #expect(months.count == 13)
            #expect(months.last?.apiCalls == 12_616 && months.last?.clinics == 11)
            #expect(months[11].apiCalls == 25_232 && months[10].clinics == 0)
            #expect(solo.last?.apiCalls == 3_610)
        }
    }

    @Test func `stand beside another month`() async throws {
        try await TestDatabase.lend { database in
            let sample = try await Sample(database)
            let october = try month("2026-10")
            var lines: [ReportDifference] = []
            let order = ReportOrder(column: "api_calls_change", top: 2)
            try await database.ledger.reports.read { reader in
                try await reader.differences(
                    of: ReportSelection(month: sample.month), to: october, order
                ) { lines.append($0) }
            }
            #expect(lines.map(\.name) == ["Clinic 7", "Clinic 10"])
            #expect(lines[0].apiCalls == .init(now: 9_000, compared: 18_000, change: -9_000))
            #expect(lines[0].storageUsed == .init(now: 900, compared: 7, change: 893))
        }
    }

    @Test func `give the figures of a page, also when there are none`() async throws {
        try await TestDatabase.lend { database in
            let empty = try await database.ledger.reports.read {
                try await $0.figures(of: ReportSelection(month: try month("2026-11")))
            }
            #expect(empty.totals == ReportFigures.Totals() && empty.findings == ReportFindings())
            #expect(empty.months.count == 13 && empty.top.isEmpty && empty.standing.isEmpty)
            let sample = try await Sample(database)
            let figures = try await database.ledger.reports.read {
                try await $0.figures(of: ReportSelection(month: sample.month))
            }
            #expect(figures.totals.clinics == 12 && figures.totals.apiCalls == 12_616)
            #expect(figures.totals.seatsUsed == 6 && figures.totals.seatsIncluded == 12)
            #expect(figures.findings == ReportFindings(overQuota: 3, pastDue: 2, attention: 1))
            #expect(figures.brackets[.calls]?[.full] == 3)
            #expect(figures.brackets[.calls]?[.unlimited] == 4)
            #expect(figures.brackets.values.allSatisfy { $0.values.reduce(0, +) == 12 })
            #expect(figures.standing.map(\.clinics).reduce(0, +) == 12)
            #expect(figures.top.first?.name == "Clinic 7")
        }
    }

    @Test func `are the plans and statuses of the rows`() async throws {
        try await TestDatabase.lend { database in
            _ = try await Sample(database)
            #expect(
                try await database.ledger.reports.planNames() == ["Odd", "Open", "Solo", "none"])
            #expect(try await database.ledger.reports.statuses().contains("vip"))
        }
    }
}

@Suite(.timed) struct `Percent of a limit` {
    @Test func `is exact where numbers are large`() async throws {
        try await TestDatabase.lend { database in
            for (used, most, percent) in [
                ("812", "1000", "81"), ("0", "5", "0"), ("5", "0", nil), ("5", "-1", nil),
                ("5", "NULL", nil), ("-5", "10", "0"),
                ("9007199254740990", "9007199254740991", "99"),
                ("9223372036854775807", "9007199254740991", "102400"),
                ("9223372036854775807", "1", "10000000000"), ("-9223372036854775808", "1", "0"),
                ("99999999", "1", "9999999900"), ("100000000", "1", "10000000000"),
            ] as [(String, String, String?)] {
                let rows = try await database.owner.ask(
                    "SELECT metering.percent('\(used)'::bigint, \(most)::bigint)::text AS percent")
                #expect(try rows[0].optionalText("percent") == percent, "\(used) of \(most)")
            }
        }
    }
}
