import Admission
import Foundation
import Ledger
import Logging
import Metering
import NIOPosix
import Quotas
import Synchronization
import SystemPackage
import Values

/// Units that this process allowed while no store could count them, on their way to PostgreSQL.
///
/// The operating system has a record before the call is answered, so a killed process loses none;
/// `sync` writes it to the disk every 50 ms, so a machine that loses power loses at most 50 ms. The
/// journal sums records by clinic and month; a sealed part is sent until PostgreSQL has it, and
/// then its file goes. Without a directory the journal stays in memory, and a killed process loses
/// it.
final class Journal: UsageJournal {
    private final class Part: Sendable {
        struct State {
            var sums: JournalSums
            var next: UInt64 = 1
        }

        /// nil = in memory only.
        let file: JournalFile?
        let state: Mutex<State>

        init(file: JournalFile?, sums: JournalSums) {
            self.file = file
            state = Mutex(State(sums: sums))
        }
    }

    private struct State {
        var open: Part?
        /// An empty file for the part after this one, created on a thread that may wait.
        var spare: JournalFile?
        /// Written to since the last `sync`.
        var isDirty = false
        /// Files of sealed parts that were written to since then.
        var unsynced: [JournalFile] = []
        var sealed: [Part] = []
        /// Records written since the start.
        var written: Int64 = 0
        /// Why the directory takes no file; logged once.
        var complaint: Errno?
    }

    /// The most parts that wait for PostgreSQL; beyond them the journal keeps nothing.
    static let partsMax = 64
    static let syncInterval: Duration = .milliseconds(50)

    private let directory: FilePath?
    private let logger: Logger
    private let state = Mutex(State())

    init(directory: String?, logger: Logger) {
        self.directory = directory.map { FilePath($0) }
        self.logger = logger
    }

    // MARK: Writing

    func append(_ clinic: ClinicID, _ month: Month, units: Int64) -> Bool {
        guard (1...JournalRecord.unitsMax).contains(units) else { return false }
        return state.withLock { state in
            // A second time when the first found its part full or its file broken.
            for _ in 0..<2 {
                guard let part = openPart(&state) else { return false }
                switch write(clinic, month, units, to: part) {
                case .written:
                    state.isDirty = part.file != nil
                    state.written += 1
                    return true
                case .full: seal(&state)
                case .broken(let error):
                    complain(error, &state)
                    seal(&state)
                }
            }
            return false
        }
    }

    private enum Written { case written, full, broken(Errno) }

    private func write(
        _ clinic: ClinicID, _ month: Month, _ units: Int64, to part: Part
    ) -> Written {
        part.state.withLock { state in
            let record = JournalRecord(
                sequence: state.next, clinic: clinic, month: month, units: units)
            let bytes = Int(clamping: state.next) * JournalRecord.bytes
            guard bytes < JournalFile.bytesMax, state.sums.admits(record) else { return .full }
            do throws(Errno) { try part.file?.append(record) } catch { return .broken(error) }
            state.next += 1
            return state.sums.add(record) ? .written : .full
        }
    }

    private func openPart(_ state: inout State) -> Part? {
        if let open = state.open { return open }
        guard state.sealed.count < Self.partsMax else { return nil }
        var random = SystemRandomNumberGenerator()
        let id = UniqueID.random(using: &random)
        var file: JournalFile?
        if let directory {
            do throws(Errno) {
                if let spare = state.spare {
                    file = spare
                } else {
                    file = try JournalFile.create(in: directory, id: id)
                }
                (state.spare, state.complaint) = (nil, nil)
            } catch {
                complain(error, &state)
            }
        }
        let part = Part(file: file, sums: JournalSums(id: file?.id ?? id))
        state.open = part
        return part
    }

    private func seal(_ state: inout State) {
        guard let open = state.open else { return }
        if state.isDirty, let file = open.file { state.unsynced.append(file) }
        (state.open, state.isDirty) = (nil, false)
        if open.state.withLock({ !$0.sums.isEmpty }) { state.sealed.append(open) }
    }

    private func complain(_ error: Errno, _ state: inout State) {
        guard state.complaint != error else { return }
        state.complaint = error
        logger.error(
            """
            the journal cannot be written and is kept in memory: check the free space and the \
            rights of METERING_JOURNAL_DIRECTORY
            """, metadata: ["reason": "\(error)"])
    }

    /// Writes the file and its name to the disk, on a thread that may wait; and once a part has
    /// started, creates the file of the next one.
    func sync() async throws {
        let (files, wantsSpare) = state.withLock { state in
            let open = state.isDirty ? state.open?.file : nil
            let files = state.unsynced + [open].compactMap(\.self)
            (state.unsynced, state.isDirty) = ([], false)
            return (files, state.open?.file != nil && state.spare == nil)
        }
        guard !files.isEmpty || wantsSpare, let directory else { return }
        let spare = try await NIOThreadPool.singleton.runIfActive {
            for file in files { try file.sync() }
            var random = SystemRandomNumberGenerator()
            let id = UniqueID.random(using: &random)
            let spare = wantsSpare ? try? JournalFile.create(in: directory, id: id) : nil
            if !files.isEmpty || spare != nil { try JournalFile.syncDirectory(directory) }
            return spare
        }
        guard let spare else { return }
        state.withLock { $0.spare = spare }
    }

    // MARK: Delivering

    /// Creates the directory when it is missing, tests it, and takes over what earlier processes
    /// left in it; returns how many files.
    func open() async throws(JournalError) -> Int {
        guard let directory else { return 0 }
        do {
            let found = try await NIOThreadPool.singleton.runIfActive { [logger] in
                try FileManager.default.createDirectory(
                    atPath: directory.string, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
                var random = SystemRandomNumberGenerator()
                let id = UniqueID.random(using: &random)
                try JournalFile.create(in: directory, id: id).remove()
                let names = try FileManager.default.contentsOfDirectory(atPath: directory.string)
                for name in names where name.hasSuffix(".\(JournalFile.draftSuffix)") {
                    Self.removeDraft(directory.appending(name), logger)
                }
                return names.filter { $0.hasSuffix(".\(JournalFile.suffix)") }.sorted()
                    .compactMap { Self.adopted(directory.appending($0), logger) }
            }
            state.withLock { $0.sealed += found }
            return found.count
        } catch let error as Errno {
            throw JournalError(path: directory.string, reason: "\(error)")
        } catch {
            throw JournalError(path: directory.string, reason: "it cannot be created or read")
        }
    }

    private static func adopted(_ path: FilePath, _ logger: Logger) -> Part? {
        do throws(Errno) {
            guard let file = try JournalFile.adopt(path) else { return nil }
            let (sums, torn) = try file.read()
            if torn > 0 {
                logger.warning(
                    "a journal ends with an incomplete record",
                    metadata: ["file": "\(path)", "bytes": "\(torn)"])
            }
            return Part(file: file, sums: sums)
        } catch {
            logger.error(
                "a journal cannot be read and stays where it is",
                metadata: ["file": "\(path)", "reason": "\(error)"])
            return nil
        }
    }

    private static func removeDraft(_ path: FilePath, _ logger: Logger) {
        do throws(Errno) { try JournalFile.removeDraft(path) } catch {
            logger.warning(
                "a file that a killed worker left without a record cannot be removed",
                metadata: ["file": "\(path)", "reason": "\(error)"])
        }
    }

    /// Sends everything that was written before the call; returns how many rows are new. What
    /// cannot be sent waits.
    ///
    /// - Parameter isThere: Receives the rows of a part once PostgreSQL has them.
    @discardableResult
    func deliver(
        to ledger: Ledger, isThere: ([UsageAdjustment]) async -> Void = { _ in }
    ) async throws -> Int64 {
        var added = try await deliverSealed(to: ledger, isThere)
        // Sealed only now: while PostgreSQL is down too, one part takes all records, not one part
        // every second.
        state.withLock { seal(&$0) }
        added += try await deliverSealed(to: ledger, isThere)
        // Between outages nothing lies in the directory.
        let spare = state.withLock { state in
            guard state.open == nil else { return nil as JournalFile? }
            defer { state.spare = nil }
            return state.spare
        }
        discard(spare)
        return added
    }

    private func deliverSealed(
        to ledger: Ledger, _ isThere: ([UsageAdjustment]) async -> Void
    ) async throws -> Int64 {
        var added: Int64 = 0
        for part in state.withLock(\.sealed) {
            let rows = part.state.withLock { $0.sums }.adjustments
            added += try await ledger.usage.adjust(
                rows, because: "counted during an outage of Redis")
            state.withLock { $0.sealed.removeAll { $0 === part } }
            discard(part.file)
            await isThere(rows)
        }
        return added
    }

    /// A file that stays does no harm: PostgreSQL knows its rows by their keys when it is read
    /// again.
    private func discard(_ file: JournalFile?) {
        guard let file else { return }
        do throws(Errno) { try file.remove() } catch {
            logger.error(
                "a journal that is in PostgreSQL cannot be removed",
                metadata: ["file": "\(file.path)", "reason": "\(error)"])
        }
    }

    /// Records that this process wrote.
    var recordsWritten: Int64 { state.withLock(\.written) }

    /// Records that wait for PostgreSQL, also those that earlier processes left.
    var recordsWaiting: Int64 {
        state.withLock { state in
            (state.sealed + [state.open].compactMap(\.self)).reduce(0) { total, part in
                total + part.state.withLock(\.sums.records)
            }
        }
    }

    /// Parts that wait for PostgreSQL.
    var waiting: Int { state.withLock { $0.sealed.count + ($0.open == nil ? 0 : 1) } }

    /// Whether all that was written is on the disk, as far as it has a file.
    var isSynced: Bool { state.withLock { !$0.isDirty && $0.unsynced.isEmpty } }
}

extension JournalSums {
    /// Rows in a fixed order, keyed by the journal and a sequence.
    var adjustments: [UsageAdjustment] {
        sums.sorted { $0.value.sequence < $1.value.sequence }.map { key, sum in
            UsageAdjustment(
                month: key.month, clinic: key.clinic, units: sum.units,
                key: "journal:\(id):\(sum.sequence)")
        }
    }
}
