import Foundation
import Glibc
import Metering
import Subprocess
import SystemPackage

/// An access log on disk, read in pieces of 64 KiB; one whose name ends in `.gz` is unpacked on the
/// way.
struct AccessLogFile: Sendable {
    let path: String

    struct Unreadable: Error, CustomStringConvertible {
        let path: String
        let reason: String

        var description: String { "--access-log \(path) cannot be read: \(reason)" }
    }

    /// Hands every piece to `body`, in order.
    func pieces(_ body: (ArraySlice<UInt8>) async throws -> Void) async throws {
        let file: FileDescriptor
        do {
            // A named pipe is opened before it has a writer; `waitForBytes` waits for one.
            file = try FileDescriptor.open(
                FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch {
            throw Unreadable(path: path, reason: "\(error)")
        }
        guard path.hasSuffix(".gz") else {
            defer { try? file.close() }
            return try await read(file, body)
        }
        do {
            try await Self.waitForBytes(of: file)
        } catch {
            try? file.close()
            throw error
        }
        // gzip reads as it is usual, and waits in its read.
        _ = fcntl(file.rawValue, F_SETFL, 0)
        try await unpacked(file, body)
    }

    private func unpacked(
        _ file: FileDescriptor, _ body: (ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        let (reading, writing) = try FileDescriptor.pipe()
        async let unpacking = Subprocess.run(
            .name("gzip"), arguments: ["-dc"],
            input: .fileDescriptor(file, closeAfterSpawningProcess: true),
            output: .fileDescriptor(writing, closeAfterSpawningProcess: true),
            error: .string(limit: 4096))
        do {
            try await read(reading, body)
            try reading.close()
        } catch {
            // gzip ends when its pipe is closed.
            try? reading.close()
            throw error
        }
        let result = try await unpacking
        guard result.terminationStatus.isSuccess else {
            let words =
                result.standardError.split(whereSeparator: \.isNewline).first ?? "gzip failed"
            throw Unreadable(path: path, reason: String(words))
        }
    }

    private func read(
        _ file: FileDescriptor, _ body: (ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        let handle = FileHandle(fileDescriptor: file.rawValue, closeOnDealloc: false)
        while true {
            try await Self.waitForBytes(of: file)
            let piece: Data
            do {
                piece = try handle.read(upToCount: Self.readableBytes(of: file)) ?? Data()
            } catch {
                throw Unreadable(path: path, reason: Self.reason(error))
            }
            guard !piece.isEmpty else { return }
            try await body(ArraySlice(piece))
        }
    }

    /// Waits until the file has bytes or has ended, and blocks no thread, so that a signal can end
    /// the wait for a pipe that stays silent.
    private static func waitForBytes(of file: FileDescriptor) async throws {
        var request = pollfd(fd: file.rawValue, events: Int16(POLLIN), revents: 0)
        while poll(&request, 1, 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
    }

    /// How many bytes can be read at once, at most 64 KiB. A `FileHandle` would wait for more.
    ///
    /// The kernel's number has 32 bits, so that of a large file means nothing; neither a file nor
    /// the end of a pipe lets a read of 64 KiB wait.
    private static func readableBytes(of file: FileDescriptor) -> Int {
        let most = 65_536
        var count: CInt = 0
        guard ioctl(file.rawValue, UInt(FIONREAD), &count) == 0, count > 0 else { return most }
        return min(Int(count), most)
    }

    /// Foundation keeps the system's error one level deeper.
    private static func reason(_ error: any Error) -> String {
        let inner = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        return (inner ?? error).localizedDescription
    }
}
