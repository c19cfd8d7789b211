import Billing
import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import Quotas
import TestSupport
import Testing

@Suite(.timed) struct `Versions of a plan` {
    @Test func `are written for every change of our part, and for no other`() async throws {
        try await TestDatabase.lend { database in
            let plan = try await database.makePlan(
                "Gold", features: #"{"theme": "dark", "metering": {"quota": {"api_calls": 5}}}"#)
            for change in [
                "features = jsonb_set(features, '{theme}', '1')", "name = 'Golden'",
                "max_users = max_users", "max_users = 11",
                "features = jsonb_set(features, '{metering,quota,api_calls}', '6')",
                "features = features - 'metering'",
            ] {
                try await database.owner.script("UPDATE subscription_plans SET \(change)")
            }
            let versions = try await database.ledger.plans.versions(of: plan)
            #expect(versions.map(\.number) == [4, 3, 2, 1])
            #expect(versions.map(\.quota) == [-1, 6, 5, 5])
            #expect(versions.map(\.maxUsers) == [11, 11, 11, 10])
            #expect(versions.allSatisfy { $0.problem == nil && $0.changedBy == "postgres" })
        }
    }

    @Test func `that hold wrong types are refused at once, and the last good one stays`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let plan = try await database.makePlan(
                "Gold", features: #"{"metering": {"quota": {"api_calls": 5}}}"#)
            try await database.subscribe(.numbered(1), to: plan)
            try await database.edit(plan, #"{"quota": {"api_calls": "7"}}"#)
            #expect(try await database.settings(1)?.quota == 5)
            #expect(try await database.settings(1)?.plan?.quota == 5)
            let refused = try await database.ledger.plans.refused()
            #expect(refused.map(\.plan) == ["\(plan)"])
            #expect(
                refused.first?.problem.hasPrefix(
                    "plan Gold, version 2: metering.quota.api_calls is not a whole number") == true)
            let listed = try await database.ledger.plans.find(named: "Gold")
            #expect(listed.version == 1 && listed.problem != nil && listed.quota == 5)

            try await database.edit(plan, #"{"quota": {"api_calls": 8}}"#)
            #expect(try await database.settings(1)?.quota == 8)
            #expect(try await database.ledger.plans.refused().isEmpty)
        }
    }

    /// What only the strict reader sees is found when a worker loads the plan.
    @Test func `that a program cannot read make way for the one before`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let plan = try await database.makePlan(
                "Gold", features: #"{"metering": {"quota": {"api_calls": 5}}}"#)
            for clinic in 1...2 { try await database.subscribe(.numbered(clinic), to: plan) }
            for code in ["EURO", "Taler"] {
                try await database.edit(
                    plan, #"{"quota": {"api_calls": 9}, "billing": {"currency": "\#(code)"}}"#)
            }
            let before = try await database.settings(2)
            #expect(before?.quota == 5)
            #expect(try await database.settings(1)?.quota == 5)
            let versions = try await database.ledger.plans.versions(of: plan)
            #expect(versions.map { $0.problem == nil } == [false, false, true])
            #expect(versions[0].problem?.contains("metering.billing.currency is \"Taler\"") == true)
            // Both clinics were told, each time.
            let rows = try await database.owner.ask(
                "SELECT config_version FROM metering.clinic_terms ORDER BY clinic_id")
            #expect(try rows.map { try $0.int64(0) } == [6, 6])
            let found = try await database.owner.ask("SELECT times FROM metering.attention")
            #expect(try found.map { try $0.int64(0) } == [2])

            // A program with a newer language tries again; this one refused with its own number.
            #expect(try await database.ledger.plans.reconsider() == 0)
            try await database.owner.script(
                "UPDATE metering.plan_version SET refused_by = 0 WHERE NOT valid")
            #expect(try await database.ledger.plans.reconsider() == 2)
            #expect(try await database.ledger.plans.refused().isEmpty)
        }
    }

    @Test func `are one settled order for edits at the same time`() async throws {
        try await TestDatabase.lend { database in
            let plan = try await database.makePlan("Gold")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for round in 0..<10 {
                            try await database.edit(
                                plan, #"{"quota": {"api_calls": \#(writer * 100 + round)}}"#)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let versions = try await database.ledger.plans.versions(of: plan)
            #expect(versions.map(\.number) == (1...41).reversed().map { Int64($0) })
            let plans = try await database.ledger.plans.find(named: "Gold")
            #expect(plans.quota == versions[0].quota && plans.version == 41)
        }
    }
}

@Suite(.timed) struct `The quota in force` {
    @Test func `rises at once and falls with the next month`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let plan = try await database.makePlan("Gold", features: Self.features(1_000))
            try await database.subscribe(.numbered(1), to: plan)
            try await database.date(plan, version: 1, "2000-01-01")
            try await database.dateMove(1, "2000-01-01")
            for (quota, now, next) in [
                (400, 1_000, 400), (900, 1_000, 900), (1_500, 1_500, 1_500), (300, 1_500, 300),
                (-1, -1, -1), (0, -1, 0),
            ] as [(Int64, Int64, Int64)] {
                try await database.edit(plan, #"{"quota": {"api_calls": \#(quota)}}"#)
                let settings = try await database.settings(1)
                #expect(settings?.quota == now && settings?.nextQuota == next, "\(quota)")
                #expect(settings?.counterTerms(outside: .none).nextQuota == next)
            }
        }
    }

    @Test func `of a clinic that comes in the midst of the month is what it came to`() async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let gold = try await database.makePlan("Gold", features: Self.features(1_000))
            let silver = try await database.makePlan("Silver", features: Self.features(50))
            try await database.date(gold, version: 1, "2000-01-01")
            try await database.date(silver, version: 1, "2000-01-01")
            try await database.edit(gold, #"{"quota": {"api_calls": 400}}"#)
            try await database.subscribe(.numbered(1), to: gold)
            #expect(try await database.settings(1)?.quota == 400)
            try await database.owner.script("UPDATE clinic_subscriptions SET plan_id = \(silver)")
            #expect(try await database.settings(1)?.quota == 50)
            try await database.owner.script("UPDATE clinic_subscriptions SET plan_id = \(gold)")
            #expect(try await database.settings(1)?.quota == 400)
        }
    }

    /// Random histories of edits, refusals and moves against the rule in words.
    @Test func `follows the rule for any history`() async throws {
        let name = "quota in force"
        var random = SplitMix64(seed: Seed.current(name))
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let plan = try await database.makePlan("Gold")
            try await database.subscribe(.numbered(1), to: plan)
            var box = TimeBox(name, share: 50, atLeast: 100)
            while await box.hasTime {
                let history = QuotaHistory(using: &random)
                try await database.write(history, of: plan)
                let rows = try await database.owner.ask(
                    "SELECT quota, next_quota FROM metering.plan_in_force($1::text::uuid, $2, $3)",
                    [
                        .text("\(ClinicID.numbered(1))"), .int64(plan),
                        .date(Int32(clamping: history.month.start / 86_400_000_000)),
                    ])
                #expect(try rows[0].optionalInt64("quota") == history.quota, "\(history)")
                #expect(try rows[0].optionalInt64("next_quota") == history.nextQuota, "\(history)")
            }
            box.report()
        }
    }

    private static func features(_ quota: Int64) -> String {
        #"{"metering": {"quota": {"api_calls": \#(quota)}}}"#
    }
}

/// Versions of a plan and a move to it, around the begin of a month.
private struct QuotaHistory: CustomStringConvertible {
    let month = Month.first.next ?? .first
    var versions: [(quota: Int64, isGood: Bool, from: Int64)] = []
    let since: Int64

    init(using random: inout SplitMix64) {
        let day: Int64 = 86_400_000_000
        var time = month.start - 5 * day
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            versions.append(
                (
                    [-1, 0, 10, 20, 30].randomElement(using: &random) ?? 0,
                    Int.random(in: 0..<4, using: &random) > 0, time
                ))
            time += [0, day, 3 * day, 5 * day].randomElement(using: &random) ?? 0
        }
        since = month.start + Int64.random(in: -6...6, using: &random) * day
    }

    private var good: [(quota: Int64, from: Int64)] {
        versions.filter(\.isGood).map { ($0.quota, $0.from) }
    }

    /// What stood when the promise was made, and the highest since; −1 is higher than any.
    var quota: Int64? {
        let promise = max(month.start, since)
        let first = good.lastIndex { $0.from <= promise } ?? 0
        let offered = good.dropFirst(first).map(\.quota)
        return offered.contains(-1) ? -1 : offered.max()
    }

    var nextQuota: Int64? { good.last?.quota }

    var description: String { "\(versions), since \(since - month.start)" }
}

@Suite(.timed) struct `The check of plans in the database` {
    /// Whatever it refuses the programs refuse too: it never keeps a good plan from being used.
    @Test func `refuses nothing that the programs take`() async throws {
        let name = "plan problems"
        var random = SplitMix64(seed: Seed.current(name))
        try await TestDatabase.lend { database in
            var box = TimeBox(name, share: 50, atLeast: 100)
            var (good, refused) = (0, 0)
            while await box.hasTime {
                let text = PlanDraw.metering(using: &random)
                let row = try await database.owner.ask(
                    "SELECT metering.plan_problem($1::jsonb) AS problem, ($1::jsonb)::text AS kept",
                    [.text(text)])[0]
                guard let problem = try row.optionalText("problem") else {
                    good += 1
                    continue
                }
                refused += 1
                let kept = try row.text("kept")
                #expect(throws: PlanError.self, "\(kept): \(problem)") {
                    _ = try PlanFeatures(json: kept)
                    _ = try PlanTerms(json: kept)
                }
            }
            box.report()
            #expect(good > 0 && refused > 0)
        }
    }
}

/// Plans that are good, or wrong in one place or two.
private enum PlanDraw {
    static func metering(using random: inout SplitMix64) -> String {
        func one(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
        func rarely(_ other: String, _ usual: String) -> String {
            Int.random(in: 0..<8, using: &random) == 0 ? other : usual
        }
        let amounts = ["-1", "0", "500", "null", "9007199254740991"]
        let odd = ["-2", "1.5", "\"7\"", "true", "[]", "{}", "9007199254740992", "1e3", "1e30"]
        func amount() -> String { rarely(one(odd), one(amounts)) }
        func window(_ more: String) -> String {
            let rate = rarely(
                one(["0", "-1", "1000000001", "\"5\"", "1.5", "null"]), one(["1", "20"]))
            let per = rarely(
                one(["\"60\"", "\"0s\"", "\"1 s\"", "7", "\"99999d\""]), one(["\"1s\"", "\"1d\""]))
            let burst = rarely(
                one(["0", "-1", "1000000000", "\"2\"", "1.5"]), one(["1", "60", "null"]))
            return "{\"rate\": \(rate), \"per\": \(per), \"burst\": \(burst)\(more)}"
        }
        let name = rarely(one(["", "A", "a b", "ü"]), one(["default", "export", "x-1"]))
        let sustained = rarely(
            ", \"sustained\": \(window(""))",
            rarely(
                ", \"other\": 1", rarely(", \"shadow\": \(one(["true", "false", "1", "null"]))", "")
            ))
        let limits = rarely(one(["[]", "7", "null"]), "{\"\(name)\": \(window(sustained))}")
        let quota = rarely(
            one(["7", "[]", "{\"calls\": 1}", "null"]), "{\"api_calls\": \(amount())}")
        let rest = rarely(", \"limit\": {}", rarely(", \"billing\": 7", ""))
        return rarely(
            one(["[]", "7", "null", "\"x\""]),
            "{\"limits\": \(limits), \"quota\": \(quota), \"storage_bytes\": \(amount())\(rest)}")
    }
}

extension TestDatabase {
    /// Replaces the key `metering` of a plan.
    func edit(_ plan: Int64, _ metering: String) async throws {
        try await owner.ask(
            """
            UPDATE subscription_plans SET features = jsonb_set(features, '{metering}', $2::jsonb)
            WHERE plan_id = $1
            """, [.int64(plan), .text(metering)])
    }

    func settings(_ clinic: Int) async throws -> ClinicTerms? {
        try await ledger.clinics.terms(
            of: .numbered(clinic), at: ledger.operations.databaseTime())
    }

    func date(_ plan: Int64, version: Int64, _ day: String) async throws {
        try await owner.script(
            """
            UPDATE metering.plan_version SET effective_from = '\(day)Z'
            WHERE plan_id = \(plan) AND version = \(version)
            """)
    }

    func dateMove(_ clinic: Int, _ day: String) async throws {
        try await owner.script(
            """
            UPDATE metering.clinic_plan SET since = '\(day)Z'
            WHERE clinic_id = '\(ClinicID.numbered(clinic))'
            """)
    }

    fileprivate func write(_ history: QuotaHistory, of plan: Int64) async throws {
        let rows = history.versions.enumerated().map { place, version in
            """
            (\(plan), \(place + 1), '{"quota": {"api_calls": \(version.quota)}}', 1, 1,
             to_timestamp(\(version.from / 1_000_000)), \(version.isGood),
             \(version.isGood ? "NULL" : "'bad'"))
            """
        }
        try await owner.script(
            """
            DELETE FROM metering.plan_version WHERE plan_id = \(plan);
            INSERT INTO metering.plan_version (plan_id, version, features, max_users, max_patients,
                effective_from, valid, problem) VALUES \(rows.joined(separator: ", "));
            UPDATE metering.clinic_plan SET since = to_timestamp(\(history.since / 1_000_000));
            """)
    }
}
