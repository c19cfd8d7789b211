import Ledger
import LocalServers
import Metering
import Postgres
import Testing

@Suite struct `Stored keys` {
    private let hash = [UInt8](repeating: 7, count: 32)

    @Test func `are found by their hash until they end`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            let made = try await ledger.createKey(
                hash: hash, name: "front desk", scopes: [.check, .usage],
                clinics: [.numbered(1)], expiresAt: 1_795_428_007_000_000)
            #expect(try await ledger.findKey(hash: hash) == made)
            #expect(try await ledger.listKeys() == [made])
            #expect(made.scopes == [.check, .usage])
            #expect(made.covers(.numbered(1)))
            #expect(!made.covers(.numbered(2)))
            #expect(made.isUsable(at: 1_795_428_006_999_999))
            #expect(!made.isUsable(at: 1_795_428_007_000_000))
            #expect(try await ledger.findKey(hash: hash.map { $0 + 1 }) == nil)
            let revoked = try await ledger.revokeKey(made.id)
            #expect(revoked?.isUsable(at: 0) == false)
            #expect(try await ledger.revokeKey(made.id) == revoked)
            #expect(try await ledger.revokeKey(made.id + 1) == nil)
        }
    }

    @Test func `note the day of their use once a day`() async throws {
        try await TestDatabase.lend { database in
            let made = try await database.ledger.createKey(hash: hash, name: "n", scopes: [.admin])
            #expect(made.covers(.numbered(9)))
            #expect(made.lastUsedOn == nil)
            let first = try await database.ledger.noteUse(ofKeys: [made.id, made.id + 1])
            let second = try await database.ledger.noteUse(ofKeys: [made.id])
            #expect(first == 1)
            // Midnight may pass between the two; it cannot pass twice.
            #expect(second <= 1)
            #expect(try await database.ledger.findKey(hash: hash)?.lastUsedOn != nil)
        }
    }

    @Test func `that make no sense are refused before they are sent`() async throws {
        try await TestDatabase.lend { database in
            for (hash, name, scopes) in [
                ([1], "n", [.check]), (hash, "", [.check]), (hash, "n", []),
                (hash, String(repeating: "n", count: 101), [.check]),
            ] as [([UInt8], String, Set<StoredKey.Scope>)] {
                let error = await #expect(throws: LedgerError.self) {
                    try await database.ledger.createKey(hash: hash, name: name, scopes: scopes)
                }
                #expect(error?.remedy == .fixRequest)
            }
        }
    }
}

@Suite struct `The worker's own records` {
    @Test func `count live workers and forget those that ended in order`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            try await ledger.heartbeat(worker: "a", checkpointedThrough: nil)
            try await ledger.heartbeat(worker: "b", checkpointedThrough: 20)
            try await ledger.heartbeat(worker: "b", checkpointedThrough: 10)
            #expect(try await ledger.liveWorkers(within: 600) == 2)
            let rows = try await database.owner.ask(
                "SELECT checkpointed_through FROM metering.worker_heartbeat ORDER BY worker_id")
            #expect(try rows.map { try $0.optionalTimestamp(0) } == [nil, 20])
            try await ledger.endHeartbeat(worker: "a")
            try await database.owner.script(
                "UPDATE metering.worker_heartbeat SET seen_at = seen_at - interval '1 hour'")
            #expect(try await ledger.liveWorkers(within: 600) == 0)
        }
    }

    @Test func `end a life of Redis once`() async throws {
        try await TestDatabase.lend { database in
            let ledger = database.ledger
            try await ledger.noteRedisLife(stamp: .max, node: "one", lastCheckpoint: 20)
            try await ledger.noteRedisLife(stamp: .max, node: "one", lastCheckpoint: 10)
            try await ledger.noteRedisLife(stamp: .max, node: "one")
            #expect(try await ledger.endRedisLife(stamp: .max, node: "one", clean: false))
            #expect(try await !ledger.endRedisLife(stamp: .max, node: "one", clean: true))
            let lives = try await ledger.redisLives()
            #expect(lives.map(\.stamp) == [.max])
            #expect(lives.map(\.lastCheckpoint) == [20])
            #expect(lives.map(\.endedClean) == [false])
            try await ledger.recordJob("rollup", startedAt: 5, rowsWritten: 3, ok: true)
        }
    }
}
