import CPostgres
import Glibc
import Logging

/// One libpq connection and the waits that its non-blocking functions ask for.
///
/// A deadline that passed, a cancelled task or a broken socket closes it for good.
///
/// Unchecked, because `PostgresConnection` hands a link to one task at a time under its lock, and
/// before that `ConnectAttempt` gives it from its thread to one task.
final class Link: @unchecked Sendable {
    private(set) var handle: OpaquePointer?
    private let logger: Logger

    /// Takes over the connection.
    init(_ handle: OpaquePointer, logger: Logger) {
        self.handle = handle
        self.logger = logger
        let receiver = Unmanaged.passUnretained(self).toOpaque()
        PQsetNoticeReceiver(
            handle,
            { pointer, result in
                guard let pointer, let result else { return }
                Unmanaged<Link>.fromOpaque(pointer).takeUnretainedValue().note(result)
            }, receiver)
    }

    deinit { close() }

    var isClosed: Bool { handle == nil }

    func close() {
        PQfinish(handle)
        handle = nil
    }

    var isEncrypted: Bool { PQsslInUse(handle) == 1 }

    /// Closes, and asks the server to stop what it is doing for us. Not over TLS: libpq 15 sends
    /// the key of the session in the clear. There the server looks by itself whether we are gone.
    func abandon() {
        if !isEncrypted { CancelRequest.send(for: handle) }
        close()
    }

    /// The message of a notice may hold values, so it is written at the finest level only.
    private func note(_ result: OpaquePointer) {
        let notice = ResultFields(result: result)
        logger.debug(
            "notice from PostgreSQL",
            metadata: [
                "severity": "\(notice[.severity] ?? "NOTICE")",
                "code": "\(notice.sqlState?.code ?? "")",
            ])
        logger.trace(
            "text of the notice", metadata: ["message": "\(notice[.message] ?? "")"])
    }
}
