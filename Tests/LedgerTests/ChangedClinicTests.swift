import DatabaseSupport
import Ledger
import LocalServers
import Metering
import Postgres
import TestSupport
import Testing

@Suite(.timed) struct `Changed clinics` {
    /// A transaction takes its id early and commits late; one with a higher id is read before.
    @Test func `that commit in another order than they began are all named`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(2)
            var cursor = try await database.ledger.clinics.cursor()
            try await database.owner.withConnection { slow in
                try await slow.script(
                    "BEGIN; UPDATE clinics SET name = 'slow' WHERE clinic_id = '\(ClinicID.numbered(1))'"
                )
                try await database.owner.script(
                    "UPDATE clinics SET name = 'fast' WHERE clinic_id = '\(ClinicID.numbered(2))'")
                let first = try await database.ledger.clinics.changes(since: cursor)
                // Other databases of the server may hold the horizon back, so older changes may come too.
                #expect(first.clinics.contains { $0.clinic == .numbered(2) && $0.version == 2 })
                #expect(!first.clinics.contains { $0.clinic == .numbered(1) && $0.version == 2 })
                #expect(first.isComplete)
                cursor = first.cursor
                try await slow.script("COMMIT")
            }
            let second = try await database.ledger.clinics.changes(since: cursor)
            #expect(second.clinics.contains { $0.clinic == .numbered(1) && $0.version == 2 })
            try await database.waitForSilence(after: second.cursor)
        }
    }

    @Test func `come in pages, and a pass that ends names each once`() async throws {
        try await TestDatabase.lend { database in
            var cursor = try await database.ledger.clinics.cursor()
            try await database.makeClinics(25)
            var named: [ClinicID] = []
            var pages = 0
            while true {
                let changes = try await database.ledger.clinics.changes(since: cursor, limit: 10)
                named += changes.clinics.map(\.clinic)
                cursor = changes.cursor
                pages += 1
                if changes.isComplete { break }
            }
            #expect(pages == 3)
            #expect(named == (1...25).map(ClinicID.numbered))
            try await database.waitForSilence(after: cursor)
        }
    }

    @Test func `are all named while many transactions change them at once`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(40)
            let start = try await database.ledger.clinics.cursor()
            let seen = try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for round in 1...10 {
                            let clinic = ClinicID.numbered(writer * 10 + round)
                            try await database.owner.transaction { connection in
                                try await connection.script(
                                    "UPDATE clinics SET name = 'r' WHERE clinic_id = '\(clinic)'")
                                // Leaves the others time to overtake.
                                try await connection.script("SELECT pg_sleep(0.002)")
                            }
                        }
                    }
                }
                var cursor = start
                var seen: [ClinicID: Int64] = [:]
                func read() async throws {
                    let changes = try await database.ledger.clinics.changes(since: cursor, limit: 7)
                    for change in changes.clinics { seen[change.clinic] = change.version }
                    cursor = changes.cursor
                }
                for _ in 0..<50 { try await read() }
                try await group.waitForAll()
                for _ in 0..<20 { try await read() }
                return seen
            }
            #expect(seen.count == 40)
            #expect(seen.values.allSatisfy { $0 == 2 })
        }
    }

    @Test func `are listed with those that are gone`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeClinics(5)
            try await database.owner.script(
                "DELETE FROM clinics WHERE clinic_id = '\(ClinicID.numbered(3))'")
            let first = try await database.ledger.clinics.known(limit: 3)
            let rest = try await database.ledger.clinics.known(after: first.last, limit: 3)
            #expect(first + rest == (1...5).map(ClinicID.numbered))
        }
    }
}

extension TestDatabase {
    /// Changes may be named again while a transaction of any database is open, and then no more.
    fileprivate func waitForSilence(after cursor: TermsCursor) async throws {
        var cursor = cursor
        try await waitUntil("no change is named any more") {
            let changes = try await ledger.clinics.changes(since: cursor)
            cursor = changes.cursor
            return changes.clinics.isEmpty
        }
    }
}
