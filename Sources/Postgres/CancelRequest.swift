import CPostgres
import Glibc
import Synchronization

/// Asks the server to stop a statement that no caller waits for any more, so that it releases its
/// locks.
///
/// A courtesy without a promise: libpq blocks while it asks, so it is done on a thread of its own,
/// and not at all while many others still hang.
enum CancelRequest {
    private static let hangingMax = 32
    /// Milliseconds before each request. A busy server may begin a statement only after the first
    /// one came, and a request for a session that does nothing, or is gone, changes nothing.
    private static let pauses: [UInt32] = [0, 250, 750, 2_000]
    private static let hanging = Mutex(0)

    static func send(for connection: OpaquePointer?) {
        guard let connection, PQtransactionStatus(connection) == PQTRANS_ACTIVE,
            let cancel = PQgetCancel(connection)
        else { return }
        let request = Request(cancel: cancel)
        let mayStart = hanging.withLock { count in
            guard count < hangingMax else { return false }
            count += 1
            return true
        }
        guard mayStart else { return }
        let started = DedicatedThread.start {
            request.run()
            hanging.withLock { $0 -= 1 }
        }
        if !started { hanging.withLock { $0 -= 1 } }
    }

    /// Unchecked, because only the thread that is started for it uses it.
    private final class Request: @unchecked Sendable {
        private let cancel: OpaquePointer

        init(cancel: OpaquePointer) { self.cancel = cancel }
        deinit { PQfreeCancel(cancel) }

        func run() {
            for pause in CancelRequest.pauses {
                usleep(pause * 1_000)
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
                    _ = PQcancel(cancel, message.baseAddress, Int32(message.count))
                }
            }
        }
    }
}
