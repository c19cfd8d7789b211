import AsyncAlgorithms
import Logging
import ServiceLifecycle

/// Repeats one piece of work until shutdown. A failure is logged, and the next turn tries again.
struct RecurringService: Service {
    let name: String
    let interval: Duration
    let readiness: Readiness
    let logger: Logger
    /// Done once more, last of all, when the process ends in order.
    var closing: (@Sendable () async throws -> Void)?
    let work: @Sendable () async throws -> Void

    func run() async throws {
        var failures = 0
        let ticks = AsyncTimerSequence(interval: interval, clock: .continuous)
        for await _ in ticks.cancelOnGracefulShutdown() {
            do {
                try await work()
                if failures > 0 { logger.notice("\(name) works again") }
                failures = 0
                readiness.note(name, isFailing: false)
            } catch {
                // Said at once and then at every sixtieth turn, or an outage would fill the disk.
                if failures % 60 == 0 {
                    logger.error(
                        "\(name) failed; the next turn tries again", metadata: ["error": "\(error)"]
                    )
                }
                failures += 1
                readiness.note(name, isFailing: true)
            }
        }
        guard let closing else { return }
        do {
            try await closing()
        } catch {
            logger.error("\(name) failed at the end", metadata: ["error": "\(error)"])
        }
    }
}
