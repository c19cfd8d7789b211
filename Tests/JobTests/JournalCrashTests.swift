import DatabaseSupport
import Foundation
import LocalServers
import Synchronization
import TestSupport
import Testing
import WorkerSupport

/// A worker is killed while it decides alone: what it acknowledged is in its journal, and arrives once.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `A journal whose worker is killed` {
    @Test func `holds every acknowledged call, wherever the kill falls`() async throws {
        var random = SplitMix64(seed: Seed.current("a journal whose worker is killed"))
        let directory = try TemporaryDirectory("journal")
        defer { directory.remove() }
        let settings = [
            "METERING_JOURNAL_DIRECTORY": directory.path, "METERING_ROLLUP_INTERVAL": "1s",
            "METERING_CHECK_TIMEOUT": "5s",
        ]
        try await ProgramSite.lend(clinics: 3) { site in
            var (acknowledged, sent) = (0, 0)
            for _ in 0..<3 {
                let worker = try await site.serve(settings)
                await site.redis.stop()
                let calls = Int.random(in: 20...400, using: &random)
                let tally = Tally()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for caller in 0..<4 {
                        group.addTask {
                            try? await HTTPWire.talk(to: worker.port, within: .seconds(300)) {
                                line in
                                while true {
                                    tally.sent.wrappingAdd(1, ordering: .relaxed)
                                    let clinic = site.clinics[caller % site.clinics.count]
                                    let answer = try await line.check(clinic, key: site.key)
                                    guard answer.status == 200 else { continue }
                                    tally.acknowledged.wrappingAdd(1, ordering: .relaxed)
                                }
                            }
                        }
                    }
                    try await waitUntil("enough calls are acknowledged") {
                        tally.acknowledged.load(ordering: .relaxed) >= calls
                    }
                    worker.process.send(SIGKILL)
                    _ = try await worker.process.waitForEnd()
                    try await group.waitForAll()
                }
                acknowledged += tally.acknowledged.load(ordering: .relaxed)
                sent += tally.sent.load(ordering: .relaxed)
                try await site.redis.start()
            }
            let last = try await site.serve(settings)
            func left() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: directory.path)
            }
            try await waitUntil("every journal is delivered, and not \((try? left()) ?? [])") {
                try left().isEmpty
            }
            let counted = try await site.database.psql(
                "SELECT coalesce(sum(units), 0) FROM metering.usage_adjustment;")
            let units = try #require(Int(counted.trimmingCharacters(in: .whitespacesAndNewlines)))
            // A call whose answer was under way when the kill fell may be in the journal.
            #expect((acknowledged...sent).contains(units))
            last.process.send(SIGTERM)
            #expect(try await last.process.waitForEnd() == .exited(0))
            #expect(try await site.usage().values.reduce(0, +) == units)
        }
    }

    private final class Tally: Sendable {
        let sent = Atomic<Int>(0)
        let acknowledged = Atomic<Int>(0)
    }
}
