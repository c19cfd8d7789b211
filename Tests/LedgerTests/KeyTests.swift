import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Stored keys` {
    private let hash = [UInt8](repeating: 7, count: 32)

    @Test func `are found by their hash until they end`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            let made = try await ledger.keys.create(
                hash: hash, name: "front desk", scopes: [.check, .usage],
                clinics: [.numbered(1)], expiresAt: 1_795_428_007_000_000)
            #expect(try await ledger.keys.find(hash: hash) == made)
            #expect(try await ledger.keys.list() == [made])
            #expect(made.scopes == [.check, .usage])
            #expect(made.clinics == [.numbered(1)])
            #expect(made.isUsable(at: 1_795_428_006_999_999))
            #expect(!made.isUsable(at: 1_795_428_007_000_000))
            #expect(try await ledger.keys.find(hash: hash.map { $0 + 1 }) == nil)
            let revoked = try await ledger.keys.revoke(made.id)
            #expect(revoked?.isUsable(at: 0) == false)
            #expect(try await ledger.keys.revoke(made.id) == revoked)
            #expect(try await ledger.keys.revoke(made.id + 1) == nil)
        }
    }

    @Test func `note the day of their use once a day`() async throws {
        try await TestDatabase.lend { database in
            let made = try await database.ledger.keys.create(
                hash: hash, name: "n", scopes: [.admin])
            #expect(made.clinics.isEmpty)
            #expect(made.lastUsedOn == nil)
            let first = try await database.ledger.keys.noteUse(of: [made.id, made.id + 1])
            let second = try await database.ledger.keys.noteUse(of: [made.id])
            #expect(first == 1)
            // Midnight may pass between the two; it cannot pass twice.
            #expect(second <= 1)
            #expect(try await database.ledger.keys.find(hash: hash)?.lastUsedOn != nil)
        }
    }

    /// A newer version may give scopes that this one does not know, while both run.
    @Test func `with a scope of a newer version are shown, not used, and stop no other`()
        async throws
    {
        try await TestDatabase.lend { database in
            let made = try await database.ledger.keys.create(
                hash: hash, name: "n", scopes: [.check])
            try await database.owner.script(
                """
                ALTER TABLE metering.api_key DROP CONSTRAINT api_key_scopes_check;
                INSERT INTO metering.api_key (hash, name, scopes)
                VALUES (sha256('new'), 'new', ARRAY['check', 'export']);
                """)
            let usable = try await database.ledger.keys.usable()
            #expect(usable.map(\.hash) == [hash])
            #expect(usable.map(\.key) == [made])
            #expect(usable.isComplete)
            let listed = try await database.ledger.keys.list()
            #expect(listed.map(\.name) == ["n", "new"])
            #expect(listed.map(\.scopes) == [[.check], [.check]])
        }
    }

    @Test func `are never more than workers hold, and none is dropped in silence`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            try await database.owner.script(
                """
                INSERT INTO metering.api_key (hash, name, scopes, revoked_at, expires_at)
                SELECT sha256(('k' || n)::bytea), 'k' || n, '{check}',
                    CASE WHEN n > 9999 AND n % 2 = 0 THEN now() END,
                    CASE WHEN n > 9999 AND n % 2 = 1 THEN now() END
                FROM generate_series(1, 10010) AS n
                """)
            let last = try await ledger.keys.create(hash: hash, name: "last", scopes: [.check])
            let full = try await ledger.keys.usable()
            #expect(full.keys.count == 10_000)
            #expect(full.keys.last?.key == last)
            #expect(full.isComplete)
            let other = hash.map { $0 + 1 }
            let refusal = await #expect(throws: LedgerError.tooManyKeys(max: 10_000)) {
                try await ledger.keys.create(hash: other, name: "more", scopes: [.check])
            }
            #expect(refusal?.remedy == .fixRequest)
            try await database.owner.script(
                """
                INSERT INTO metering.api_key (hash, name, scopes)
                VALUES (sha256('x'), 'past the rule', '{check}')
                """)
            let cut = try await ledger.keys.usable()
            #expect(cut.keys == full.keys)
            #expect(!cut.isComplete)
            for id in full.keys.prefix(2).map(\.key.id) { _ = try await ledger.keys.revoke(id) }
            let made = try await ledger.keys.create(hash: other, name: "more", scopes: [.check])
            #expect(try await ledger.keys.usable().keys.last?.key == made)
        }
    }

    @Test func `that make no sense are refused before they are sent`() async throws {
        try await TestDatabase.lend { database in
            for (hash, name, scopes) in [
                ([1], "n", [.check]), (hash, "", [.check]), (hash, "n", []),
                (hash, String(repeating: "n", count: 101), [.check]),
            ] as [([UInt8], String, Set<StoredKey.Scope>)] {
                let error = await #expect(throws: LedgerError.self) {
                    try await database.ledger.keys.create(hash: hash, name: name, scopes: scopes)
                }
                #expect(error?.remedy == .fixRequest)
            }
        }
    }
}

@Suite(.timed) struct `The worker's own records` {
    @Test func `count live workers and forget those that ended in order`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            try await ledger.operations.heartbeat(worker: "a", checkpointedThrough: nil)
            try await ledger.operations.heartbeat(worker: "b", checkpointedThrough: 20)
            try await ledger.operations.heartbeat(worker: "b", checkpointedThrough: 10)
            #expect(try await ledger.operations.liveWorkers(within: 600) == 2)
            let rows = try await database.owner.ask(
                "SELECT checkpointed_through FROM metering.worker_heartbeat ORDER BY worker_id")
            #expect(try rows.map { try $0.optionalTimestamp(0) } == [nil, 20])
            try await ledger.operations.endHeartbeat(worker: "a")
            try await database.owner.script(
                "UPDATE metering.worker_heartbeat SET seen_at = seen_at - interval '1 hour'")
            #expect(try await ledger.operations.liveWorkers(within: 600) == 0)
        }
    }

    @Test func `forget workers without a heartbeat for a day`() async throws {
        try await TestDatabase.lend { database in
            for name in ["gone", "quiet", "back"] {
                try await database.ledger.operations.heartbeat(
                    worker: name, checkpointedThrough: nil)
            }
            try await database.owner.script(
                """
                UPDATE metering.worker_heartbeat SET seen_at = now() - CASE worker_id
                    WHEN 'quiet' THEN interval '23 hours' ELSE interval '25 hours' END
                """)
            try await database.ledger.operations.heartbeat(worker: "back", checkpointedThrough: nil)
            let left = try await database.owner.ask(
                "SELECT worker_id FROM metering.worker_heartbeat ORDER BY worker_id")
            #expect(try left.map { try $0.text(0) } == ["back", "quiet"])
        }
    }

    @Test func `keep the latest runs of a job and no more`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            try await database.owner.script(
                """
                INSERT INTO metering.job_run (job, started_at, rows_written, ok)
                SELECT job, timestamptz '2026-01-01 UTC' + n * interval '1 minute', 0, true
                FROM unnest(ARRAY['rollup', 'demo']) AS job, generate_series(1, 1500) AS n
                """)
            try await ledger.operations.recordJob("rollup", startedAt: 5, rowsWritten: 3, ok: true)
            for startedAt in [10, 40, 20, 30] as [Int64] {
                try await ledger.operations.noteSweep(startedAt: startedAt)
            }
            let counts = try await database.owner.ask(
                """
                SELECT job || ' ' || count(*), min(started_at) FROM metering.job_run
                GROUP BY job ORDER BY job
                """)
            #expect(try counts.map { try $0.text(0) } == ["demo 1500", "rollup 1000", "sweep 2"])
            // The run that began long ago ended just now: it is kept until the next one.
            #expect(try counts.map { try $0.timestamp(1) }.dropFirst() == [5, 30])
            let latest = try await database.owner.ask(
                "SELECT max(started_at) FROM metering.job_run WHERE job = 'sweep'")
            #expect(try latest[0].timestamp(0) == 40)
        }
    }

    @Test func `keep the latest checkpoint of each stamp of Redis`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            try await ledger.operations.noteRedisStamp(.max, node: "one", lastCheckpoint: 20)
            try await ledger.operations.noteRedisStamp(.max, node: "one", lastCheckpoint: 10)
            try await ledger.operations.noteRedisStamp(.max, node: "one")
            let stamps = try await ledger.operations.redisStamps()
            #expect(stamps.map(\.stamp) == [.max])
            #expect(stamps.map(\.lastCheckpoint) == [20])
            try await ledger.operations.recordJob("rollup", startedAt: 5, rowsWritten: 3, ok: true)
        }
    }
}
