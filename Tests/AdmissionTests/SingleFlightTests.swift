import Admission
import Synchronization
import TestSupport
import Testing

@Suite(.timed) struct `A single flight` {
    private struct Failure: Error, Equatable { let number: Int }

    private final class Counts: Sendable {
        let running = Atomic<Int>(0)
        let started = Atomic<Int>(0)
    }

    private typealias Flights = SingleFlight<String, Result<Int, Failure>>

    @Test func `runs once for all callers that come before it ends`() async throws {
        let (flights, work) = (Flights(), HeldWork())
        let tasks = (0..<100).map { number in
            flights.join("a") {
                await work.run()
                return .success(number)
            }
        }
        #expect(flights.isRunning("a") && !flights.isRunning("b"))
        try await waitUntil("the work runs") { work.starts == 1 }
        work.release()
        for task in tasks { #expect(try await task?.value.get() == 0) }
        #expect(work.starts == 1 && !flights.isRunning("a"))
    }

    @Test func `gives a failure to every caller and starts again for the next one`() async throws {
        let (flights, work) = (Flights(), HeldWork())
        let tasks = (0..<3).map { _ in
            flights.join("a") {
                await work.run()
                return .failure(Failure(number: 1))
            }
        }
        work.release()
        for task in tasks {
            let result = await task?.value
            #expect(result == .failure(Failure(number: 1)))
        }
        let next = await flights.join("a") { .success(2) }?.value
        #expect(next == .success(2))
    }

    @Test func `runs different keys at the same time, up to its bound`() async throws {
        let (flights, work) = (Flights(flightsMax: 2), HeldWork())
        @Sendable func held() async -> Result<Int, Failure> {
            await work.run()
            return .success(1)
        }
        let first = flights.join("a", held)
        let second = flights.join("b", held)
        #expect(flights.join("c", held) == nil && !flights.isRunning("c"))
        // A caller that joins work which runs already is within the bound.
        #expect(flights.join("a", held) != nil)
        try await waitUntil("both run") { work.starts == 2 }
        work.release()
        _ = await (first?.value, second?.value)
        #expect(await flights.join("c", held)?.value == .success(1))
    }

    @Test func `goes on for the others when one caller is cancelled`() async throws {
        let (flights, work) = (Flights(), HeldWork())
        @Sendable func value() async -> Result<Int, Failure>? {
            await flights.join("a") {
                await work.run()
                return Task.isCancelled ? .failure(Failure(number: 0)) : .success(7)
            }?.value
        }
        let (leaving, staying) = (Task { await value() }, Task { await value() })
        try await waitUntil("the work runs") { work.starts == 1 }
        leaving.cancel()
        work.release()
        #expect(await staying.value == .success(7))
        _ = await leaving.value
        #expect(work.starts == 1)
    }

    @Test func `is waited for only as long as a caller has time, and does not end with it`()
        async throws
    {
        let (flights, work) = (Flights(), HeldWork())
        let flight = flights.join("a") {
            await work.run()
            return .success(1)
        }
        let task = try #require(flight)
        #expect(await task.value(within: .zero) == nil)
        #expect(flights.isRunning("a"))
        work.release()
        #expect(await task.value(within: .seconds(600)) == .success(1))
    }

    /// A caller gets a result of work that had not ended when it came, and no two run at once.
    @Test func `never runs twice at once, and gives no old result`() async {
        let flights = SingleFlight<Int, Int>()
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<200 {
                        let before = counts.started.load(ordering: .sequentiallyConsistent)
                        let number = await flights.join(1) {
                            let number = counts.started.add(1, ordering: .sequentiallyConsistent)
                                .newValue
                            #expect(
                                counts.running.add(1, ordering: .sequentiallyConsistent).oldValue
                                    == 0)
                            await Task.yield()
                            counts.running.subtract(1, ordering: .sequentiallyConsistent)
                            return number
                        }?.value
                        #expect((number ?? -1) >= before)
                    }
                }
            }
        }
    }
}
