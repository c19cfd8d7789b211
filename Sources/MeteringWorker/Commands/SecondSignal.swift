import Glibc
import Shell
import UnixSignals

/// Ends the process at once at the second signal: the operator does not want to wait.
enum SecondSignal {
    /// The first signal starts the orderly shutdown elsewhere. Both kinds count together.
    static func watch() -> Task<Void, Never> {
        Task {
            var count = 0
            for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                count += 1
                guard count > 1 else { continue }
                Console.note(
                    "metering-worker: received \(signal) a second time; stopping at once")
                // Without a clean-up: running threads could still use what it frees.
                _exit(1)
            }
        }
    }
}
