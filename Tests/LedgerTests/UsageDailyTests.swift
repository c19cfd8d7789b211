import DatabaseSupport
import Ledger
import Metering
import Postgres
import TestSupport
import Testing
import Values

@Suite(.timed) struct `Usage by day` {
    /// Σ of a month's days is what api_usage says, however counts, corrections and roll-ups come.
    @Test func `adds up to the month after any sequence of roll-ups`() async throws {
        try await TestDatabase.lend { database in
            var random = SplitMix64(seed: Seed.current("days add up"))
            var box = TimeBox("days add up")
            try await database.makeClinics(4)
            while await box.hasTime {
                try await database.owner.script(
                    """
                    DELETE FROM metering.usage_checkpoint; DELETE FROM metering.usage_month;
                    DELETE FROM metering.usage_adjustment; DELETE FROM metering.usage_daily;
                    DELETE FROM api_usage;
                    """)
                var used: [Int: Int64] = [:]
                for step in 0..<Int.random(in: 1...20, using: &random) {
                    let clinic = Int.random(in: 1...4, using: &random)
                    switch Int.random(in: 0..<5, using: &random) {
                    case 0...1:
                        used[clinic, default: 0] += Int64.random(in: 0...500, using: &random)
                        let month = Int.random(in: 10...11, using: &random)
                        _ = try await database.ledger.usage.checkpoint([
                            try checkpoint(
                                clinic: clinic, month: month, used: used[clinic] ?? 0)
                        ])
                    case 2:
                        try await database.adjust(
                            clinic, by: Int64.random(in: -900...900, using: &random), key: "\(step)"
                        )
                    case 3:
                        // As if what was noted until now had been noted some days ago.
                        try await database.age(by: Int.random(in: 1...3, using: &random))
                    default: _ = try await database.ledger.usage.rollUpDue()
                    }
                }
                _ = try await database.ledger.usage.rollUpDue()
                #expect(try await database.daysThatDiffer() == [])
                let before = try await database.days()
                _ = try await database.ledger.usage.rollUp(try month("2026-11"))
                #expect(try await database.days() == before)
            }
            box.report()
        }
    }

    @Test func `is noted on the day of the roll-up, and after the month on its last`() async throws
    {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let current = try await database.ledger.usage.currentMonth()
            let previous = try #require(current.previous)
            for month in [previous, current] {
                _ = try await database.ledger.usage.checkpoint([
                    UsageCheckpoint(
                        month: month, clinic: .numbered(1), epoch: Epoch(rawValue: 1), used: 5,
                        credited: 0, observedAt: month.start)
                ])
            }
            _ = try await database.ledger.usage.rollUpDue()
            let rows = try await database.owner.ask(
                """
                SELECT (SELECT bool_and(day = (month + interval '1 month' - interval '1 day')::date)
                        FROM metering.usage_daily WHERE month = $1) AS is_last,
                    (SELECT bool_and(day BETWEEN (now() - interval '1 minute')::date AND now()::date)
                        FROM metering.usage_daily WHERE month = $2) AS is_today
                """, [.date(Int32(previous.daysSince1970)), .date(Int32(current.daysSince1970))])
            #expect(try rows[0].bool("is_last") && rows[0].bool("is_today"))
        }
    }

    @Test func `never goes back before a day that was noted`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            let current = try await database.ledger.usage.currentMonth()
            let last = Int32(current.end / 86_400_000_000 - 1)
            // A clock that was ahead noted the end of the month.
            try await database.owner.ask(
                "INSERT INTO metering.usage_daily VALUES ($1, $2, $3, 3)",
                [
                    .date(Int32(current.daysSince1970)), .uuid(Self.stored(1)), .date(last),
                ])
            _ = try await database.ledger.usage.checkpoint([
                UsageCheckpoint(
                    month: current, clinic: .numbered(1), epoch: Epoch(rawValue: 1), used: 5,
                    credited: 0, observedAt: current.start)
            ])
            _ = try await database.ledger.usage.rollUpDue()
            #expect(try await database.daysThatDiffer() == [])
            #expect(try await database.days().count == 1)
        }
    }

    @Test func `is kept for thirteen months`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(1)
            try await database.owner.script(
                """
                CREATE TABLE metering.usage_daily_2020_01 PARTITION OF metering.usage_daily
                FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
                ALTER TABLE metering.usage_daily_2020_01 OWNER TO metering_owner;
                INSERT INTO metering.usage_daily
                SELECT month::date, '\(ClinicID.numbered(1))', month::date, 1 FROM generate_series(
                    date_trunc('month', now() AT TIME ZONE 'UTC') - interval '20 months',
                    date_trunc('month', now() AT TIME ZONE 'UTC'), interval '1 month') AS month;
                INSERT INTO metering.usage_daily VALUES ('2020-01-01', '\(ClinicID.numbered(1))', '2020-01-05', 1);
                """)
            _ = try await database.ledger.usage.prepareMonths()
            let rows = try await database.owner.ask(
                """
                SELECT count(*) AS months, to_regclass('metering.usage_daily_2020_01') IS NULL AS is_gone
                FROM metering.usage_daily
                """)
            #expect(try rows[0].int64("months") == 13)
            #expect(try rows[0].bool("is_gone"))
            #expect(try await database.ledger.usage.prepareMonths() == 0)
        }
    }

    private static func stored(_ clinic: Int) -> UniqueID {
        ClinicID.numbered(clinic).id
    }
}

extension TestDatabase {
    fileprivate func adjust(_ clinic: Int, by units: Int64, key: String) async throws {
        try await owner.ask(
            """
            INSERT INTO metering.usage_adjustment (month, clinic_id, units, reason, idempotency_key)
            VALUES ('2026-11-01', $1::text::uuid, $2, 'test', $3)
            """, [.text("\(ClinicID.numbered(clinic))"), .int64(units), .text(key)])
    }

    /// Moves the days of November that were noted towards its begin, where there is room.
    fileprivate func age(by days: Int) async throws {
        try await owner.ask(
            """
            UPDATE metering.usage_daily d SET day = day - $1::int
            WHERE month = '2026-11-01' AND day - $1::int >= month AND NOT EXISTS (
                SELECT FROM metering.usage_daily o WHERE o.month = d.month
                  AND o.clinic_id = d.clinic_id AND o.day < d.day)
            """, [.int64(Int64(days))])
    }

    fileprivate func days() async throws -> [String] {
        try await owner.ask(
            "SELECT d::text FROM metering.usage_daily d ORDER BY month, clinic_id, day"
        ).map { try $0.text(0) }
    }

    /// Clinics and months whose days do not add up to api_usage.
    fileprivate func daysThatDiffer() async throws -> [String] {
        try await owner.ask(
            """
            SELECT month || ' ' || clinic_id || ' ' || coalesce(api_calls::text, '-') AS line
            FROM api_usage FULL JOIN (
                SELECT month, clinic_id, sum(units) AS units FROM (
                    SELECT month, clinic_id, units_total - lag(units_total, 1, 0::bigint)
                        OVER (PARTITION BY month, clinic_id ORDER BY day) AS units
                    FROM metering.usage_daily) AS day
                GROUP BY month, clinic_id) AS days USING (month, clinic_id)
            WHERE coalesce(api_calls, 0) <> coalesce(units, 0)
            """
        ).map { try $0.text("line") }
    }
}
