import AsyncAlgorithms
import Logging
import ServiceLifecycle

/// Repeats one piece of work until shutdown. A failure is logged, and the next turn tries again.
struct RecurringService: Service {
    let name: String
    let interval: Duration
    let readiness: Readiness
    let shutdownFailures: ShutdownFailures
    let metrics: WorkerMetrics
    let logger: Logger
    /// Whether the first turn runs at once and not after the first interval.
    var startsAtOnce = false
    /// Whether a turn may take long and is cancelled at shutdown: the next start repeats what
    /// is missing.
    var isCutShort = false
    /// Runs once at the end of an orderly shutdown.
    var closing: (@Sendable () async throws -> Void)?
    let work: @Sendable () async throws -> Void

    func run() async throws {
        var failures = 0
        metrics.expect(job: name)
        if startsAtOnce { await turn(&failures) }
        let ticks = AsyncTimerSequence(interval: interval, clock: .continuous)
        for await _ in ticks.cancelOnGracefulShutdown() { await turn(&failures) }
        guard let closing else { return }
        do {
            try await closing()
        } catch {
            shutdownFailures.noteFailure(of: name)
            logger.error("\(name) failed at the end", metadata: ["error": "\(error)"])
        }
    }

    private func turn(_ failures: inout Int) async {
        do {
            if isCutShort {
                try await cancelWhenGracefulShutdown { try await work() }
            } else {
                try await work()
            }
            if failures > 0 { logger.notice("\(name) works again") }
            failures = 0
            metrics.noteRun(of: name, isGood: true)
            readiness.note(name, isFailing: false)
        } catch {
            if isCutShort, Task.isShuttingDownGracefully { return }
            // Logged at once and then at every sixtieth turn, or an outage would fill the disk.
            if failures % 60 == 0 {
                logger.error(
                    "\(name) failed; the next turn tries again", metadata: ["error": "\(error)"])
            }
            failures += 1
            metrics.noteRun(of: name, isGood: false)
            readiness.note(name, isFailing: true)
        }
    }
}
