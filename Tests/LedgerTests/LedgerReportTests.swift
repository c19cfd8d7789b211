import Billing
import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Rows of the report` {
    @Test func `hold people, plan, usage and what is included`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let plan = try await database.makePlan(
                "Gold",
                features: #"{"metering": {"quota": {"api_calls": 500}, "storage_bytes": 1024}}"#)
            let one = ClinicID.numbered(1)
            try await database.subscribe(one, to: plan, status: "trialing")
            try await database.owner.script(
                """
                INSERT INTO users (email, clinic_id) VALUES ('a', '\(one)'), ('b', '\(one)');
                INSERT INTO users (email) VALUES ('c');
                INSERT INTO clinic_staff SELECT '\(one)', id, 'DENTIST' FROM users WHERE email <> 'a';
                INSERT INTO patients (name, clinic_id) VALUES ('p', '\(one)');
                """)
            let november = try month("2026-11")
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 1, used: 70)])
            _ = try await database.ledger.usage.rollUp(november)
            let admin = try database.pool(of: Login.admin)
            var rows: [ReportRow] = []
            try await Ledger(pool: admin).reports.rows(of: november) { rows.append($0) }
            await admin.close()
            #expect(
                rows == [
                    ReportRow(
                        month: november, clinic: one, subdomain: "clinic-1", name: "Clinic 1",
                        plan: "Gold", paymentStatus: "trialing", users: 3, maxUsers: .limited(10),
                        patients: 1, maxPatients: .unlimited, apiCalls: 70,
                        apiCallsIncluded: .limited(500), storageUsed: 0,
                        storageIncluded: .limited(1024),
                        shares: ReportShares(users: 30, apiCalls: 14, storage: 0)),
                    ReportRow(
                        month: november, clinic: .numbered(2), subdomain: "clinic-2",
                        name: "Clinic 2"),
                ])
        }
    }

    @Test func `come by subdomain, then clinic, and stop where the reader stops`() async throws {
        try await TestDatabase.lend { database in
            try await database.owner.script(
                """
                INSERT INTO clinics (clinic_id, name, subdomain, created_at)
                SELECT gen_random_uuid(), 'c', sub, '2026-11-30 23:59+00'
                FROM unnest(ARRAY['b', 'B', 'a-1', 'a', NULL]) AS sub;
                INSERT INTO clinics (clinic_id, name, subdomain, created_at)
                VALUES (gen_random_uuid(), 'later', '0', '2026-12-01');
                """)
            let november = try month("2026-11")
            var subdomains: [String?] = []
            try await database.ledger.reports.rows(of: november) { subdomains.append($0.subdomain) }
            #expect(subdomains == ["B", "a", "a-1", "b", nil])
            struct Enough: Error {}
            var count = 0
            await #expect(throws: Enough.self) {
                try await database.ledger.reports.rows(of: november) { _ in
                    count += 1
                    if count == 2 { throw Enough() }
                }
            }
            #expect(count == 2)
        }
    }

    @Test func `of one clinic are found by id and by subdomain`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            let two = ClinicID.numbered(2)
            #expect(try await database.ledger.clinics.find(named: "clinic-2") == two)
            #expect(try await database.ledger.clinics.find(named: "\(two)") == two)
            await #expect(throws: LedgerError.unknownClinic("clinic-3")) {
                try await database.ledger.clinics.find(named: "clinic-3")
            }
            var clinics: [ClinicID] = []
            try await database.ledger.reports.rows(of: month("2020-01"), clinic: two) {
                clinics.append($0.clinic)
            }
            #expect(clinics == [two])
        }
    }

    @Test func `are as old as the oldest bucket that waits for a roll-up`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let november = try month("2026-11")
            #expect(try await database.ledger.reports.age(of: november).asOf == nil)
            _ = try await database.ledger.usage.checkpoint([checkpoint(clinic: 1, used: 1)])
            try await database.owner.script(
                "UPDATE metering.usage_month SET rolled_up_at = '2026-11-02 03:04:05+00'")
            let waiting = try await database.ledger.reports.age(of: november)
            #expect(waiting.asOf?.description == "2026-11-02 03:04:05 UTC")
            _ = try await database.ledger.usage.rollUpDue()
            let fresh = try await database.ledger.reports.age(of: november)
            let now = fresh.madeAt.microseconds
            #expect(try #require(fresh.asOf).microseconds > now - 60_000_000)
        }
    }

    @Test func `are as old as the last sweep, however little there is to roll up`() async throws {
        try await TestDatabase.lend { database in
            let november = try await database.rolledUpNovember()
            let ledger = database.ledger
            let age = try await ledger.reports.age(of: november)
            #expect(age.asOf?.description == "2026-11-02 03:04:05 UTC")
            try await ledger.operations.noteSweep(startedAt: 1_793_700_000_000_000)
            #expect(try await database.asOf(november) == 1_793_700_000_000_000)
            try await ledger.operations.recordJob(
                "rollup", startedAt: 1_793_800_000_000_000, rowsWritten: 0, ok: true)
            #expect(try await database.asOf(november) == 1_793_800_000_000_000)
            // A roll-up that could not read Redis proves nothing, nor does one of an older sweep.
            try await ledger.operations.recordJob(
                "rollup", startedAt: 1_793_900_000_000_000, rowsWritten: 0, ok: false)
            try await ledger.operations.noteSweep(startedAt: 1_793_750_000_000_000)
            _ = try await ledger.usage.rollUp(november)
            #expect(try await database.asOf(november) == 1_793_800_000_000_000)
        }
    }

    @Test func `do not look young because one worker of two still writes`() async throws {
        try await TestDatabase.lend { database in
            let november = try await database.rolledUpNovember()
            let ledger = database.ledger
            try await ledger.operations.noteSweep(startedAt: 1_793_700_000_000_000)
            try await ledger.operations.heartbeat(worker: "cut off", checkpointedThrough: nil)
            try await ledger.operations.heartbeat(
                worker: "b", checkpointedThrough: 1_793_900_000_000_000)
            #expect(try await database.asOf(november) == 1_793_700_000_000_000)
            try await ledger.operations.recordJob(
                "checkpoint", startedAt: 1_793_900_000_000_000, rowsWritten: 0, ok: true)
            try await ledger.operations.endHeartbeat(worker: "b")
            #expect(try await database.asOf(november) == 1_793_700_000_000_000)
            // The other one is killed; the next sweep finds in Redis what it counted.
            try await ledger.operations.noteSweep(startedAt: 1_793_950_000_000_000)
            #expect(try await database.asOf(november) == 1_793_950_000_000_000)
        }
    }

    @Test func `are as old as the last checkpoint of the only worker`() async throws {
        try await TestDatabase.lend { database in
            let november = try await database.rolledUpNovember()
            let ledger = database.ledger
            try await ledger.operations.heartbeat(worker: "a", checkpointedThrough: nil)
            try await ledger.operations.recordJob(
                "checkpoint", startedAt: 1_793_900_000_000_000, rowsWritten: 0, ok: true)
            try await ledger.operations.endHeartbeat(worker: "a")
            #expect(try await database.asOf(november) == 1_793_900_000_000_000)
            // One that starts later has not counted anything that this checkpoint could miss.
            try await ledger.operations.heartbeat(worker: "b", checkpointedThrough: nil)
            #expect(try await database.asOf(november) == 1_793_900_000_000_000)
        }
    }
}

extension TestDatabase {
    /// November 2026, rolled up on its second day and never since.
    fileprivate func rolledUpNovember() async throws -> Month {
        try await makeClinics(1)
        _ = try await ledger.usage.checkpoint([checkpoint(clinic: 1, used: 1)])
        _ = try await ledger.usage.rollUpDue()
        try await owner.script(
            "UPDATE metering.usage_month SET rolled_up_at = '2026-11-02 03:04:05+00'")
        return try month("2026-11")
    }

    fileprivate func asOf(_ month: Month) async throws -> Int64? {
        try await ledger.reports.age(of: month).asOf?.microseconds
    }
}
