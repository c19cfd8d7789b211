import DatabaseSupport
import Foundation
import Glibc
import Ledger
import LocalServers
import Logging
import Metering
import SystemPackage
import TestSupport
import Testing

@testable import MeteringWorker
import Values

@Suite(.timed, .serialized) struct `The journal` {
    private let clinic = ClinicID(high: 1, low: 2)
    private let other = ClinicID(high: 3, low: 4)

    @Test func `has records that are read as they were written, and nothing else`() throws {
        #expect(CRC32.of("123456789".utf8) == 0xCBF4_3926)
        let record = JournalRecord(
            sequence: 7, clinic: clinic, month: try month, units: 1_000_000)
        #expect(record.encoded.count == JournalRecord.bytes)
        #expect(JournalRecord(decoding: record.encoded[...]) == record)
        for place in record.encoded.indices {
            var bytes = record.encoded
            bytes[place] ^= 1
            #expect(JournalRecord(decoding: bytes[...]) == nil, "byte \(place)")
            #expect(JournalRecord(decoding: record.encoded[..<place]) == nil)
        }
    }

    @Test func `sums a clinic's month under one key, however often it is read`() throws {
        var sums = JournalSums(id: UniqueID(high: 5, low: 6))
        for (sequence, clinic) in [clinic, other, clinic].enumerated() {
            let record = JournalRecord(
                sequence: UInt64(sequence + 1), clinic: clinic, month: try month, units: 10)
            let isAdded = sums.add(record)
            #expect(isAdded)
        }
        let rows = sums.adjustments
        #expect(rows.map(\.units) == [20, 10])
        #expect(rows.map(\.key) == ["journal:\(sums.id):1", "journal:\(sums.id):2"])
    }

    @Test func `is delivered once, then its file is gone`() async throws {
        try await lend { directory, database, ledger in
            let journal = Journal(directory: directory, logger: .silent)
            #expect(try await journal.open() == 0)
            for _ in 0..<10 { #expect(journal.append(clinic, try month, units: 3)) }
            #expect(journal.recordsWritten == 10 && journal.recordsWaiting == 10)
            try await journal.sync()
            // The part, and an empty one for what comes after it.
            #expect(try files(directory).count == 2)
            #expect(try await journal.deliver(to: ledger) == 1)
            #expect(try await journal.deliver(to: ledger) == 0)
            #expect(try await database.adjusted(clinic) == 30)
            #expect(journal.recordsWritten == 10 && journal.recordsWaiting == 0)
            #expect(try files(directory).isEmpty)
        }
    }

    /// The commit whose answer was lost, or a death between the commit and the removal.
    @Test func `is not counted again when its file is found again`() async throws {
        try await lend { directory, database, ledger in
            let journal = Journal(directory: directory, logger: .silent)
            #expect(journal.append(clinic, try month, units: 3))
            let file = try #require(try files(directory).first)
            let copy = try Data(contentsOf: URL(filePath: "\(directory)/\(file)"))
            try await journal.deliver(to: ledger)
            try copy.write(to: URL(filePath: "\(directory)/\(file)"))
            let next = Journal(directory: directory, logger: .silent)
            #expect(try await next.open() == 1)
            #expect(next.recordsWritten == 0 && next.recordsWaiting == 1)
            #expect(try await next.deliver(to: ledger) == 0)
            #expect(next.recordsWaiting == 0)
            #expect(try await database.adjusted(clinic) == 3)
            #expect(try files(directory).isEmpty)
        }
    }

    @Test func `leaves alone what another living worker writes`() async throws {
        try await lend { directory, database, ledger in
            let one = Journal(directory: directory, logger: .silent)
            #expect(one.append(clinic, try month, units: 1))
            let two = Journal(directory: directory, logger: .silent)
            #expect(try await two.open() == 0)
            #expect(two.append(other, try month, units: 2))
            try await two.deliver(to: ledger)
            #expect(try await database.adjusted(clinic) == 0)
            #expect(try files(directory).count == 1)
            try await one.deliver(to: ledger)
            #expect(try await database.adjusted(clinic) == 1)
            #expect(try await database.adjusted(other) == 2)
        }
    }

    @Test func `is read up to a torn end, wherever it was cut`() async throws {
        let directory = try TemporaryDirectory("journal")
        defer { directory.remove() }
        var writer: Journal? = Journal(directory: directory.path, logger: .silent)
        for _ in 0..<3 { #expect(writer?.append(clinic, try month, units: 5) == true) }
        let name = try #require(try files(directory.path).first)
        let whole = try Data(contentsOf: URL(filePath: "\(directory.path)/\(name)"))
        writer = nil
        for length in 24...whole.count {
            try whole.prefix(length).write(to: URL(filePath: "\(directory.path)/\(name)"))
            let file = try #require(try JournalFile.adopt(FilePath("\(directory.path)/\(name)")))
            let (sums, torn) = try file.read()
            let records = (length - 24) / JournalRecord.bytes
            #expect(torn == (length - 24) % JournalRecord.bytes)
            #expect((sums.adjustments.first?.units ?? 0) == Int64(records * 5))
        }
        for length in 0..<24 {
            try whole.prefix(length).write(to: URL(filePath: "\(directory.path)/\(name)"))
            #expect(try JournalFile.adopt(FilePath("\(directory.path)/\(name)")) == nil)
        }
    }

    /// A kill between the creation of a file and its rename, and a living worker's draft.
    @Test func `removes the draft of a killed worker and no other`() async throws {
        let directory = try TemporaryDirectory("journal")
        defer { directory.remove() }
        let (dead, living) = ("\(directory.path)/1.new", "\(directory.path)/2.new")
        for path in [dead, living] { try Data().write(to: URL(filePath: path)) }
        try Data(repeating: 0, count: 25).write(to: URL(filePath: "\(directory.path)/notes.new"))
        let file = try FileDescriptor.open(living, .readWrite, options: [.closeOnExec])
        defer { try? file.close() }
        try #require(flock(file.rawValue, LOCK_EX | LOCK_NB) == 0)
        let journal = Journal(directory: directory.path, logger: .silent)
        #expect(try await journal.open() == 0)
        #expect(try files(directory.path).sorted() == ["2.new", "notes.new"])
    }

    @Test func `is readable by its owner alone`() throws {
        let directory = try TemporaryDirectory("journal")
        defer { directory.remove() }
        let journal = Journal(directory: directory.path, logger: .silent)
        #expect(journal.append(clinic, try month, units: 1))
        let name = try #require(try files(directory.path).first)
        let attributes = try FileManager.default.attributesOfItem(
            atPath: "\(directory.path)/\(name)")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func `is kept in memory where no directory can take it`() async throws {
        try await lend { _, database, ledger in
            let journal = Journal(directory: "/proc/none", logger: .silent)
            await #expect(throws: JournalError.self) { try await journal.open() }
            #expect(journal.append(clinic, try month, units: 4))
            try await journal.deliver(to: ledger)
            #expect(try await database.adjusted(clinic) == 4)
        }
    }

    /// Redis and PostgreSQL are away, and each second the journal is sent in vain.
    @Test func `takes what comes for as long as PostgreSQL is unavailable`() async throws {
        try await lend { directory, database, ledger in
            let journal = Journal(directory: directory, logger: .silent)
            let seconds = Journal.partsMax * 2
            try await database.takeAdjustmentsAway()
            for _ in 0..<seconds {
                #expect(journal.append(clinic, try month, units: 1))
                await #expect(throws: LedgerError.self) { try await journal.deliver(to: ledger) }
            }
            #expect(journal.waiting == 2)
            try await database.bringAdjustmentsBack()
            #expect(try await journal.deliver(to: ledger) == 2)
            #expect(try await database.adjusted(clinic) == Int64(seconds))
            #expect(try files(directory).isEmpty)
        }
    }

    @Test func `delivers the rest when a file cannot be removed`() async throws {
        try await lend { directory, database, ledger in
            let journal = Journal(directory: directory, logger: .silent)
            #expect(journal.append(clinic, try month, units: 1))
            try await database.takeAdjustmentsAway()
            await #expect(throws: LedgerError.self) { try await journal.deliver(to: ledger) }
            let file = "\(directory)/\(try #require(try files(directory).first))"
            #expect(journal.append(other, try month, units: 2))
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.createDirectory(
                atPath: file, withIntermediateDirectories: false)
            try await database.bringAdjustmentsBack()
            #expect(try await journal.deliver(to: ledger) == 2)
            #expect(try await database.adjusted(clinic) == 1)
            #expect(try await database.adjusted(other) == 2)
            #expect(journal.waiting == 0)
        }
    }

    @Test func `is brought to the disk also when it waits for PostgreSQL already`() async throws {
        try await lend { directory, database, ledger in
            let journal = Journal(directory: directory, logger: .silent)
            #expect(journal.append(clinic, try month, units: 1))
            try await database.takeAdjustmentsAway()
            await #expect(throws: LedgerError.self) { try await journal.deliver(to: ledger) }
            #expect(!journal.isSynced)
            try await journal.sync()
            #expect(journal.isSynced)
        }
    }

    private var month: Month {
        get throws { try #require(Month("2026-11")) }
    }

    private func files(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }

    private func lend(
        _ body: (String, TestDatabase, Ledger) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory("journal")
        defer { directory.remove() }
        try await TestDatabase.lend { database in
            try await body(directory.path, database, Ledger(pool: database.owner))
        }
    }
}

extension TestDatabase {
    fileprivate func takeAdjustmentsAway() async throws {
        try await ask("ALTER TABLE metering.usage_adjustment RENAME TO away")
    }

    fileprivate func bringAdjustmentsBack() async throws {
        try await ask("ALTER TABLE metering.away RENAME TO usage_adjustment")
    }
}
