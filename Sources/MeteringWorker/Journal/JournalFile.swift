import Foundation
import Glibc
import Metering
import SystemPackage
import Values

/// One file of a journal: append-only, and locked for as long as its process lives.
///
/// The first 24 bytes are `MWJOURN1` and the journal's id. A kill can leave the last record torn;
/// reading ends there. Local file systems only: the lock is flock(2).
final class JournalFile: Sendable {
    let path: FilePath
    let id: UniqueID
    private let file: FileDescriptor

    static let suffix = "journal"
    /// The suffix of a file until it has its head.
    static let draftSuffix = "new"
    private static let magic = Array("MWJOURN1".utf8)
    private static let headBytes = 24
    /// A file grows to this and a next one follows: about 350,000 records.
    static let bytesMax = 16 << 20

    private init(path: FilePath, id: UniqueID, file: FileDescriptor) {
        (self.path, self.id, self.file) = (path, id, file)
    }

    deinit { try? file.close() }

    /// A new file, locked before it appears under its name; `syncDirectory` makes that name
    /// durable.
    ///
    /// Another worker that starts at this moment may take the draft for one that a killed process
    /// left, and remove it. The second draft has another name, which that worker has not listed.
    static func create(in directory: FilePath, id: UniqueID) throws(Errno) -> JournalFile {
        do throws(Errno) {
            return try create(in: directory, id: id, draft: "\(id).\(draftSuffix)")
        } catch .resourceTemporarilyUnavailable, .noSuchFileOrDirectory {
            return try create(in: directory, id: id, draft: "\(id).2.\(draftSuffix)")
        }
    }

    private static func create(
        in directory: FilePath, id: UniqueID, draft name: String
    ) throws(Errno) -> JournalFile {
        let path = directory.appending("\(id).\(suffix)")
        let draft = directory.appending(name)
        do {
            let file = try FileDescriptor.open(
                draft, .readWrite, options: [.create, .exclusiveCreate, .append, .closeOnExec],
                permissions: .ownerReadWrite)
            let made = JournalFile(path: path, id: id, file: file)
            guard made.isLocked else { throw Errno.resourceTemporarilyUnavailable }
            try file.writeAll(magic + id.bytes)
            guard rename(draft.string, path.string) == 0 else { throw Errno(rawValue: errno) }
            return made
        } catch let error as Errno {
            throw error
        } catch {
            throw Errno.ioError
        }
    }

    /// Removes a draft whose process was killed before the file had its name; leaves one alone whose
    /// process lives, and a file that is more than a head, which no worker wrote.
    static func removeDraft(_ path: FilePath) throws(Errno) {
        do {
            let file = try FileDescriptor.open(path, .readWrite, options: [.closeOnExec])
            let draft = JournalFile(path: path, id: UniqueID(high: 0, low: 0), file: file)
            let size = try file.seek(offset: 0, from: .end)
            if size <= headBytes, draft.isLocked { try draft.remove() }
        } catch Errno.noSuchFileOrDirectory {
            // Its process has renamed it since.
        } catch let error as Errno {
            throw error
        } catch {
            throw Errno.ioError
        }
    }

    /// A file that an earlier process left; nil when its process lives, or when it is not a
    /// journal.
    static func adopt(_ path: FilePath) throws(Errno) -> JournalFile? {
        do {
            let file = try FileDescriptor.open(path, .readWrite, options: [.append, .closeOnExec])
            let head = try read(file, most: headBytes)
            guard head.count == headBytes, head.starts(with: magic),
                let id = UniqueID(bytes: head[magic.count...])
            else {
                try file.close()
                return nil
            }
            let found = JournalFile(path: path, id: id, file: file)
            return found.isLocked ? found : nil
        } catch let error as Errno {
            throw error
        } catch {
            throw Errno.ioError
        }
    }

    private var isLocked: Bool { flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 }

    /// Hands the record to the operating system: it survives this process, and with `sync` the
    /// machine.
    func append(_ record: JournalRecord) throws(Errno) {
        do {
            try file.writeAll(record.encoded)
        } catch let error as Errno {
            throw error
        } catch {
            throw Errno.ioError
        }
    }

    func sync() throws(Errno) {
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Every record before the first incomplete one, and the number of bytes after them.
    func read() throws(Errno) -> (sums: JournalSums, torn: Int) {
        do {
            let bytes = try Self.read(file, most: Self.bytesMax * 2)
            var sums = JournalSums(id: id)
            var rest = bytes.dropFirst(Self.headBytes)
            while let record = JournalRecord(decoding: rest), sums.add(record) {
                rest = rest.dropFirst(JournalRecord.bytes)
            }
            return (sums, rest.count)
        } catch let error as Errno {
            throw error
        } catch {
            throw Errno.ioError
        }
    }

    /// PostgreSQL has it.
    func remove() throws(Errno) {
        guard unlink(path.string) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
    }

    private static func read(_ file: FileDescriptor, most: Int) throws -> [UInt8] {
        let handle = FileHandle(fileDescriptor: file.rawValue, closeOnDealloc: false)
        try handle.seek(toOffset: 0)
        return try Array(handle.read(upToCount: most) ?? Data())
    }

    /// A new name is safe on the disk only with its directory.
    static func syncDirectory(_ directory: FilePath) throws {
        let file = try FileDescriptor.open(directory, .readOnly, options: [.closeOnExec])
        defer { try? file.close() }
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }
}
