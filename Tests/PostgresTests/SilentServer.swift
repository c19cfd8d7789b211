import Glibc
import TestSupport

/// Listens, lets the kernel accept, and never answers.
final class SilentServer: Sendable {
    let port: Int
    private let socket: Int32

    init() throws {
        (socket, port) = try FreePorts.bound()
        guard listen(socket, 16) == 0 else {
            throw TestFailure("listen on 127.0.0.1:\(port) failed: errno \(errno)")
        }
    }

    deinit { close(socket) }
}

enum FreePorts {
    /// A port that nobody listens on: it was ours a moment ago.
    static func unused() throws -> Int {
        let (socket, port) = try bound()
        close(socket)
        return port
    }

    /// A socket of the loopback interface with a port that the kernel chose.
    static func bound() throws -> (socket: Int32, port: Int) {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard socket >= 0, done else {
            throw TestFailure("no socket on 127.0.0.1: errno \(errno)")
        }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }
}
