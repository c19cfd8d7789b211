import Glibc
import Shell
import UnixSignals

/// Ends the process at once when it is told a second time to end: somebody does not want to wait.
enum SecondSignal {
    /// The first signal ends the process in order and is not ours. Both kinds count together.
    static func watch() -> Task<Void, Never> {
        Task {
            var count = 0
            for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                count += 1
                guard count > 1 else { continue }
                Console.note(
                    "metering-worker: received \(signal) a second time; stopping at once")
                // Nothing is cleaned up: threads that run on would trip over it.
                _exit(1)
            }
        }
    }
}
