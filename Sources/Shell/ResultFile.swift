import Foundation
import Glibc
import SystemPackage

/// Where a result goes: stdout, or a file that appears whole or not at all.
///
/// A file is written beside its final place and renamed when it is complete, so a reader never
/// sees half of it and a failure leaves an older one as it was.
public struct ResultFile: ~Copyable {
    private let path: String?
    private let temporary: String?
    private let descriptor: FileDescriptor
    private var isPlaced = false

    /// - Parameter path: nil is stdout.
    public init(path: String?) throws(ResultFileError) {
        self.path = path
        guard let path else {
            temporary = nil
            descriptor = .standardOutput
            return
        }
        let type = try? FileManager.default.attributesOfItem(atPath: path)[.type]
        if let type = type as? FileAttributeType, type != .typeRegular {
            throw .notAFile(path)
        }
        let beside = "\(path).\(getpid()).part"
        do {
            descriptor = try FileDescriptor.open(
                FilePath(beside), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: FilePermissions(rawValue: 0o666))
        } catch {
            throw .notWritable(path, "\(error)")
        }
        temporary = beside
    }

    public func write(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return }
        do {
            try descriptor.writeAll(bytes)
        } catch {
            if let path { throw ResultFileError.notWritable(path, "\(error)") }
            throw error
        }
    }

    /// Makes the file durable and renames it to its final name.
    public mutating func place() throws(ResultFileError) {
        guard let path, let temporary else { return }
        guard fsync(descriptor.rawValue) == 0, rename(temporary, path) == 0 else {
            throw .notWritable(path, "\(Errno(rawValue: errno))")
        }
        isPlaced = true
    }

    deinit {
        guard let temporary else { return }
        try? descriptor.close()
        if !isPlaced { unlink(temporary) }
    }
}
