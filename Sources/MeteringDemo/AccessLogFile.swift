import Foundation
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
            file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        } catch {
            throw Unreadable(path: path, reason: "\(error)")
        }
        if path.hasSuffix(".gz") {
            try await unpacked(file, body)
        } else {
            defer { try? file.close() }
            try await read(file, body)
        }
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
            let piece: Data
            do {
                piece = try handle.read(upToCount: 65_536) ?? Data()
            } catch {
                throw Unreadable(path: path, reason: Self.reason(error))
            }
            guard !piece.isEmpty else { return }
            try await body(ArraySlice(piece))
        }
    }

    /// Foundation keeps the system's error one level deeper.
    private static func reason(_ error: any Error) -> String {
        let inner = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
        return (inner ?? error).localizedDescription
    }
}
