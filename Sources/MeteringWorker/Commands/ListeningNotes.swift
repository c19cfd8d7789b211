import Shell
import Synchronization

/// Prints where `serve` listens. It reports the second listener only after the first one: a start
/// that fails there prints only the line of the error.
final class ListeningNotes: Sendable {
    private struct State {
        var hasStarted = false
        var admin: String?
    }

    private let api: String
    private let adminHost: String
    private let state = Mutex(State())

    init(_ settings: WorkerSettings) {
        let scheme = settings.http.certificate == nil ? "http" : "https"
        api = "\(scheme)://\(settings.http.host)"
        adminHost = settings.admin?.host ?? ""
    }

    func listens(port: Int) {
        Console.note("metering-worker: listening on \(api):\(port)")
        tell { $0.hasStarted = true }
    }

    func listensForAdmin(port: Int) {
        tell { [adminHost] in
            $0.admin = "metering-worker: metrics at http://\(adminHost):\(port)/metrics"
        }
    }

    private func tell(_ change: @Sendable (inout State) -> Void) {
        let note: String? = state.withLock { state in
            change(&state)
            guard state.hasStarted, let note = state.admin else { return nil }
            state.admin = nil
            return note
        }
        if let note { Console.note(note) }
    }
}
