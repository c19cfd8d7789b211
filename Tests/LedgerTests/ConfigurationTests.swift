import Billing
import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import Quotas
import TestSupport
import Testing

@Suite(.timed) struct `Configuration of a clinic` {
    private let november: Int64 = 1_795_428_007_000_000

    @Test func `holds plan, standing, and the month's counts by epoch`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let features = #"{"theme": "dark", "metering": {"quota": {"api_calls": 1000}}}"#
            let plan = try await database.makePlan("Gold", features: features)
            try await database.subscribe(.numbered(1), to: plan, status: "suspended")
            _ = try await database.ledger.usage.checkpoint([
                checkpoint(clinic: 1, epoch: .max, used: 300, credited: 10),
                checkpoint(clinic: 1, epoch: 2, used: 200),
                checkpoint(clinic: 1, month: 10, epoch: 2, used: 999),
            ])
            try await database.worker.ask(
                """
                INSERT INTO metering.usage_adjustment
                    (month, clinic_id, units, reason, idempotency_key)
                VALUES ('2026-11-01', $1::text::uuid, -50, 'test', 'k')
                """, [.text("\(ClinicID.numbered(1))")])
            let found = try await database.ledger.clinics.storedTerms(
                of: .numbered(1), at: november)
            let stored = try #require(found)
            #expect(stored.version == 2)
            #expect(stored.plan?.id == plan)
            #expect(stored.plan?.name == "Gold")
            #expect(stored.paymentStatus == .suspended)
            #expect(stored.month == Month("2026-11"))
            #expect(stored.ledger == [Epoch(rawValue: .max): 290, Epoch(rawValue: 2): 200])
            #expect(stored.adjustments == -50)
            let settings = try stored.terms()
            #expect(settings.plan?.quota == 1_000)
            #expect(settings.access == .readOnly)
            #expect(settings.counterTerms(outside: Epoch(rawValue: 2)).base == 240)
        }
    }

    @Test func `says who has no subscription and who does not exist`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let clinics = (1...2).map(ClinicID.numbered)
            let found = try await database.ledger.clinics.storedTerms(of: clinics, at: november)
            #expect(found.map(\.clinic) == [.numbered(1)])
            #expect(found.map(\.plan) == [nil])
            #expect(found.map(\.paymentStatus) == [nil])
            #expect(
                try await database.ledger.clinics.terms(
                    of: .numbered(2), at: database.ledger.operations.databaseTime()) == nil)
            let settings = try await database.ledger.clinics.terms(
                of: .numbered(1), at: database.ledger.operations.databaseTime())
            #expect(settings?.plan == nil)
            #expect(settings?.access == .open)
        }
    }

    @Test func `of a plan that cannot be read names the plan's fault`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let plan = try await database.makePlan(
                "Broken", features: #"{"metering": {"quotas": {}}}"#)
            try await database.subscribe(.numbered(1), to: plan)
            await #expect(throws: QuotaError.self) {
                try await database.ledger.clinics.terms(
                    of: .numbered(1), at: database.ledger.operations.databaseTime())
            }
        }
    }

    @Test func `with an unknown payment status leaves that clinic open, and reads old words`()
        async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(3)
            let plan = try await database.makePlan("Gold")
            try await database.owner.script(
                """
                ALTER TABLE clinic_subscriptions
                DROP CONSTRAINT metering_payment_status_check;
                ALTER TABLE clinic_subscriptions DISABLE TRIGGER USER;
                """)
            let clinics = [ClinicID.numbered(1), .numbered(2), .numbered(3)]
            for (clinic, word) in zip(clinics, ["frozen", "Blocked", "suspended"]) {
                try await database.subscribe(clinic, to: plan, status: word)
            }
            let page = try await database.ledger.clinics.storedTerms(of: clinics, at: november)
            #expect(page.map(\.paymentStatus) == [nil, .suspended, .suspended])
            #expect(try page.map { try $0.terms().access } == [.open, .readOnly, .readOnly])
        }
    }

    @Test func `is not reported unavailable because of what Redis holds`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let one = ClinicID.numbered(1)
            let clock = await #expect(throws: QuotaError.self) {
                try await database.ledger.clinics.terms(of: one, at: -1)
            }
            let apart =
                "the clocks of Redis and PostgreSQL are more than an hour apart; set both right"
            #expect(clock == .countersUnavailable(apart))
            let now = try await database.ledger.operations.databaseTime()
            for skew: Int64 in [-3_500_000_000, 3_500_000_000] {
                #expect(try await database.ledger.clinics.terms(of: one, at: now + skew) != nil)
            }
            await #expect(throws: QuotaError.countersUnavailable(apart)) {
                try await database.ledger.clinics.terms(of: one, at: now + 3_700_000_000)
            }
            await #expect(throws: QuotaError.unreadable(one)) {
                try await database.ledger.clinics.raiseVersion(of: one, above: 1 << 53)
            }
        }
    }

    @Test func `gets a higher version with every change of an input`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(3)
            let gold = try await database.makePlan("Gold")
            let silver = try await database.makePlan("Silver")
            let one = ClinicID.numbered(1)
            for (change, expected) in [
                ("", [1, 1, 1]),
                (
                    "INSERT INTO clinic_subscriptions SELECT clinic_id, \(gold), '2026-01-01', "
                        + "'2027-01-01', 'active' FROM clinics", [2, 2, 2]
                ),
                (
                    "UPDATE clinic_subscriptions SET payment_status = 'past_due' "
                        + "WHERE clinic_id = '\(one)'", [3, 2, 2]
                ),
                ("UPDATE clinic_subscriptions SET payment_status = payment_status", [3, 2, 2]),
                (
                    "UPDATE clinic_subscriptions SET plan_id = \(silver) WHERE clinic_id = '\(one)'",
                    [4, 2, 2]
                ),
                (
                    "UPDATE subscription_plans SET features = '{\"metering\": {}}' "
                        + "WHERE plan_id = \(gold)", [4, 3, 3]
                ),
                ("UPDATE subscription_plans SET name = name", [4, 3, 3]),
                ("UPDATE subscription_plans SET name = name || '!'", [5, 4, 4]),
                ("UPDATE clinics SET name = 'x' WHERE clinic_id = '\(one)'", [6, 4, 4]),
                ("DELETE FROM clinic_subscriptions WHERE clinic_id = '\(one)'", [7, 4, 4]),
                ("DELETE FROM clinics WHERE clinic_id = '\(one)'", [8, 4, 4]),
            ] as [(String, [Int64])] {
                if !change.isEmpty { try await database.owner.script(change) }
                let rows = try await database.owner.ask(
                    "SELECT config_version FROM metering.clinic_terms ORDER BY clinic_id")
                #expect(try rows.map { try $0.int64(0) } == expected, "\(change)")
            }
        }
    }

    @Test func `is raised above what Redis holds, and never lowered`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let one = ClinicID.numbered(1)
            #expect(try await database.ledger.clinics.raiseTermsVersion(of: one, above: 41) == 42)
            #expect(try await database.ledger.clinics.raiseTermsVersion(of: one, above: 41) == 42)
            #expect(try await database.ledger.clinics.raiseTermsVersion(of: one, above: 7) == 42)
            #expect(
                try await database.ledger.clinics.raiseTermsVersion(of: .numbered(2), above: 7)
                    == nil)
            await #expect(throws: LedgerError.self) {
                try await database.ledger.clinics.raiseTermsVersion(of: one, above: 1 << 53)
            }
        }
    }

    /// Standing changes while the plan is being edited: both versions must come out, in order.
    @Test func `waits for an open change of the same clinic`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let plan = try await database.makePlan("Gold")
            try await database.subscribe(.numbered(1), to: plan)
            try await database.owner.withConnection { editor in
                try await editor.script(
                    "BEGIN; UPDATE subscription_plans SET max_users = 11")
                async let standing: Void = database.owner.script(
                    "UPDATE clinic_subscriptions SET payment_status = 'suspended'")
                try await database.waitForBlocked()
                try await editor.script("COMMIT")
                try await standing
            }
            let stored = try await database.ledger.clinics.storedTerms(
                of: .numbered(1), at: november)
            #expect(stored?.version == 4)
            #expect(stored?.paymentStatus == .suspended)
        }
    }

    /// A clinic moves to a plan that is being edited. Whoever commits last must raise its version.
    @Test func `sees the edit of a plan that it moves to at the same time`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let gold = try await database.makePlan("Gold")
            let silver = try await database.makePlan("Silver")
            try await database.subscribe(.numbered(1), to: gold)
            try await database.owner.withConnection { mover in
                try await mover.script(
                    "BEGIN; UPDATE clinic_subscriptions SET plan_id = \(silver)")
                async let edit: Void = database.owner.script(
                    "UPDATE subscription_plans SET max_users = 11 WHERE plan_id = \(silver)")
                try await database.waitForBlocked()
                try await mover.script("COMMIT")
                try await edit
            }
            let stored = try await database.ledger.clinics.storedTerms(
                of: .numbered(1), at: november)
            #expect(stored?.version == 4)
        }
    }

    @Test func `refuses the edit of a plan in a snapshot that could miss a clinic`() async throws {
        try await TestDatabase.lend { database in
            try await database.makePlan("Gold")
            let error = await #expect(throws: PostgresError.self) {
                try await database.owner.transaction(.repeatableRead, retries: 0) { connection in
                    try await connection.script("UPDATE subscription_plans SET max_users = 11")
                }
            }
            #expect(error?.sqlState == "0A000")
        }
    }
}
