import Synchronization
import TestSupport
import WorkerSupport

/// Sends calls as an API server does, one after the other, and goes on through every failure of the worker.
struct SteadyCaller: Sendable {
    let site: ProgramSite
    let traffic: Traffic
    var random: SplitMix64

    /// What all callers of a test share.
    final class Traffic: Sendable {
        let tally = CallTally()
        private let port: Mutex<Int>
        private let over = Atomic<Bool>(false)

        init(to worker: ServingProgram) { port = Mutex(worker.port) }

        var isOver: Bool { over.load(ordering: .relaxed) }
        var currentPort: Int { port.withLock(\.self) }

        func turn(to worker: ServingProgram) { port.withLock { $0 = worker.port } }
        func end() { over.store(true, ordering: .relaxed) }
    }

    /// Ends when the traffic is over; a call that is on its way then is awaited.
    mutating func run() async throws {
        while !traffic.isOver {
            do {
                try await HTTPWire.talk(to: traffic.currentPort, within: .seconds(300)) { line in
                    while !traffic.isOver { try await call(on: &line) }
                }
            } catch is Interruption {
            } catch is HTTPWire.NotConnected {}
            try await waitForWorker()
        }
    }

    /// The caller has to look for a worker again.
    private struct Interruption: Error {}

    private mutating func call(on line: inout HTTPWire) async throws {
        let clinic = site.clinics[Int.random(in: site.clinics.indices, using: &random)]
        let outcome: CallTally.Outcome
        do {
            outcome = .init(try await line.check(clinic, key: site.key))
        } catch {
            outcome = .unanswered
        }
        traffic.tally.note(outcome, of: clinic)
        guard outcome == .acknowledged else { throw Interruption() }
    }

    /// Asks the worker that serves now until it says that it is ready.
    private func waitForWorker() async throws {
        try await waitUntil("a worker is ready", within: .seconds(60)) {
            let isReady = await ServingProgram.isReady(port: traffic.currentPort)
            return isReady || traffic.isOver
        }
    }
}
