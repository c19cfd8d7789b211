import CPostgres
import Glibc

extension Link {
    /// Reads what the server said while no call was running; its good-bye shows as the end of the
    /// stream.
    ///
    /// A few reads are enough for a server that only reports settings; one that keeps talking to an
    /// idle session is not trusted.
    func isAlive() -> Bool {
        guard let handle, PQtransactionStatus(handle) == PQTRANS_IDLE else { return false }
        for _ in 0..<4 {
            var socket = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            guard poll(&socket, 1, 0) > 0 else { return PQstatus(handle) == CONNECTION_OK }
            guard PQconsumeInput(handle) == 1, PQisBusy(handle) == 0 else { return false }
        }
        return false
    }
}
