import Synchronization
import TestSupport
import Testing

@Suite(.timed) struct `A lent resource` {
    private struct Broken: Error, Equatable { let part: String }

    /// Counts how often each step was taken.
    private final class Steps: Sendable {
        private let taken = Mutex<[String]>([])

        var all: [String] { taken.withLock { $0 } }
        func add(_ step: String) { taken.withLock { $0.append(step) } }
    }

    private let steps = Steps()

    @Test func `is released after the body, whose value comes back`() async throws {
        let value = try await withResource(
            { 7 }, release: { [steps] in steps.add("release \($0)") }
        ) { resource in
            steps.add("body \(resource)")
            return resource + 1
        }
        #expect(value == 8)
        #expect(steps.all == ["body 7", "release 7"])
    }

    @Test func `is released once when the body throws`() async {
        await #expect(throws: Broken(part: "body")) {
            try await withResource({ 7 }, release: { [steps] _ in steps.add("release") }) { _ in
                throw Broken(part: "body")
            }
        }
        #expect(steps.all == ["release"])
    }

    @Test func `is released once when its test is cancelled, by calls that are not cancelled`()
        async throws
    {
        let test = Task { [steps] in
            try await withResource(
                { steps.add("make") },
                release: { _ in
                    try Task.checkCancellation()
                    steps.add("release")
                }
            ) { _ in try await Task.sleep(for: .seconds(3_600)) }
        }
        try await waitUntil("the resource is made") { !steps.all.isEmpty }
        test.cancel()
        await #expect(throws: CancellationError.self) { try await test.value }
        #expect(steps.all == ["make", "release"])
    }

    @Test func `is not released when it could not be made`() async {
        await #expect(throws: Broken(part: "make")) {
            try await withResource(
                { () throws -> Int in throw Broken(part: "make") },
                release: { [steps] _ in steps.add("release") }
            ) { _ in steps.add("body") }
        }
        #expect(steps.all.isEmpty)
    }

    @Test func `fails its test when the release fails`() async throws {
        let error = await #expect(throws: CleanUpFailed.self) {
            try await withResource({ 7 }, release: { _ in throw Broken(part: "release") }) { _ in }
        }
        #expect(error?.reason as? Broken == Broken(part: "release"))
        #expect(error?.cause == nil)
    }

    @Test func `names the body's error first when the release fails too`() async throws {
        let error = await #expect(throws: CleanUpFailed.self) {
            try await withResource({ 7 }, release: { _ in throw Broken(part: "release") }) { _ in
                throw Broken(part: "body")
            }
        }
        #expect(error?.cause as? Broken == Broken(part: "body"))
        let text = try #require(error?.description)
        #expect(text.hasPrefix(#"the test failed: Broken(part: "body"); and then "#))
        #expect(text.hasSuffix(#"the clean-up failed: Broken(part: "release")"#))
    }
}
