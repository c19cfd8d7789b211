import Foundation
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// The main promise, tried from outside with real processes: what was acknowledged is counted, and
/// nothing is counted that was not sent.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `Counting through crashes` {
    private enum Blow {
        case killWorker, restartRedis, killRedis, killBoth
    }

    private static let callers = 8
    private static let callsBetweenBlows = 300
    /// Long enough that only a blow leaves a call unanswered, however busy the machine is.
    /// A call whose fate nobody knows is not acknowledged, or it could be missing.
    private static let settings = [
        "METERING_CHECK_TIMEOUT": "5s", "METERING_ON_OUTAGE": "deny",
    ]

    /// `appendfsync always`: Redis answers after the write is on disk, so the lower bound is exact. With
    /// `everysec` Redis may lose its last second by design, and only what a checkpoint saw would survive.
    @Test func `counts every acknowledged call and no call twice`() async throws {
        var random = SplitMix64(seed: Seed.current("counting through crashes"))
        let blows: [Blow] = [
            .killWorker, .killWorker, .killWorker, .killWorker, .killBoth, .killRedis,
            .restartRedis,
        ]
        let order = blows.shuffled(using: &random)
        try await ProgramSite.lend(clinics: 5, redis: ["appendfsync": "always"]) { site in
            let (traffic, worker) = try await play(order, at: site, random)
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
            try await compare(traffic.tally, with: try await site.usage())
        }
    }

    /// Calls go on while blow after blow falls; each waits for new acknowledgements after the one before.
    private func play(
        _ blows: [Blow], at site: ProgramSite, _ seed: SplitMix64
    ) async throws -> (SteadyCaller.Traffic, ServingProgram) {
        var random = seed
        var worker = try await site.serve(Self.settings)
        let traffic = SteadyCaller.Traffic(to: worker)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.callers {
                let own = SplitMix64(seed: random.next())
                group.addTask {
                    var caller = SteadyCaller(site: site, traffic: traffic, random: own)
                    try await caller.run()
                }
            }
            defer { traffic.end() }
            for blow in blows {
                try await waitForCalls(traffic.tally)
                worker = try await strike(blow, site, worker)
                traffic.turn(to: worker)
            }
            try await waitForCalls(traffic.tally)
            traffic.end()
            try await group.waitForAll()
        }
        return (traffic, worker)
    }

    private func waitForCalls(_ tally: CallTally) async throws {
        let goal = tally.total.acknowledged + Self.callsBetweenBlows
        try await waitUntil("\(goal) calls are acknowledged", within: .seconds(60)) {
            tally.total.acknowledged >= goal
        }
    }

    /// Returns the worker that serves afterwards.
    private func strike(
        _ blow: Blow, _ site: ProgramSite, _ worker: ServingProgram
    ) async throws -> ServingProgram {
        switch blow {
        case .killWorker:
            worker.process.send(SIGKILL)
            #expect(try await worker.process.waitForEnd() == .signalled(SIGKILL))
            return try await site.serve(Self.settings)
        case .killBoth:
            site.redis.send(SIGKILL)
            worker.process.send(SIGKILL)
            #expect(try await worker.process.waitForEnd() == .signalled(SIGKILL))
            try await site.redis.restart()
            return try await site.serve(Self.settings)
        case .killRedis:
            site.redis.send(SIGKILL)
            try await site.redis.restart()
            return worker
        case .restartRedis:
            try await site.redis.restart()
            return worker
        }
    }

    private func compare(_ tally: CallTally, with usage: [String: Int]) async throws {
        let total = tally.total
        let counted = usage.values.reduce(0, +)
        print(
            "acknowledged \(total.acknowledged) <= counted \(counted) <= acknowledged + unanswered "
                + "\(total.acknowledged + total.unanswered); refused \(total.refused)")
        #expect(tally.wrong.isEmpty)
        #expect(Set(usage.keys) == Set(tally.counts.keys))
        for (clinic, sent) in tally.counts {
            let counted = usage[clinic] ?? 0
            #expect(sent.acknowledged > 0)
            #expect(counted >= sent.acknowledged, "clinic \(clinic) lost calls")
            #expect(
                counted <= sent.acknowledged + sent.unanswered, "clinic \(clinic) has too many")
        }
    }
}
