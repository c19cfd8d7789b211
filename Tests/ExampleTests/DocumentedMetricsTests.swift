import DatabaseSupport
import Foundation
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// What pages, dashboard and alerts name is what `/metrics` shows, and the other way round.
@Suite(.timed, .serialized) struct `Documented metrics` {
    @Test func `are those of a worker that came through an outage`() async throws {
        let directory = try TemporaryDirectory("journal")
        defer { directory.remove() }
        let settings = [
            "METERING_JOURNAL_DIRECTORY": directory.path, "METERING_ON_OUTAGE": "allow",
        ]
        try await RunningWorker.lend(settings) { site in
            let clinic = try await site.database.clinic("{}")
            #expect(try await site.check(clinic).status == 200)
            try await playOutage(site, clinic)
            try await site.database.ask("SELECT metering.note_attention('general', NULL, '', 'x')")
            try await waitUntil("the month has parts and a roll-up") {
                try await site.worker.readFigures()
                let shown = names(site)
                return shown.contains(MetricName.rollupAge.rawValue)
                    && shown.contains(MetricName.reportAge.rawValue)
            }
            let shown = names(site)
            #expect(shown == Set(MetricName.allCases.map(\.rawValue)))
            #expect(try Self.tableOfPage() == shown)
            for path in ["Examples/prometheus/alerts.yml", "Examples/grafana/metering-worker.json"]
            {
                let named = MetricWords.metrics(in: try ProjectText.of(path))
                #expect(named.subtracting(shown) == [], "\(path)")
            }
        }
    }

    /// Redis stops, a check is allowed without it, and PostgreSQL takes the journal only later.
    private func playOutage(_ site: RunningWorker, _ clinic: ClinicID) async throws {
        try await site.database.ask("ALTER TABLE metering.usage_adjustment RENAME TO away")
        await site.redis.stop()
        var allowed = 0
        try await waitUntil("a check is allowed without Redis") {
            let reply = try await site.check(clinic)
            if reply.field("x-metering-degraded") == "true" { allowed += 1 }
            return allowed > 0
        }
        try await waitUntil("the journal waits for PostgreSQL") {
            site.worker.journal.recordsWaiting == allowed
        }
        let page = site.worker.metricSources.page()
        #expect(page.contains("\nmetering_journal_waiting_records \(allowed)\n"))
        #expect(page.contains("\nmetering_journal_records_total \(allowed)\n"))
        try await site.database.ask("ALTER TABLE metering.away RENAME TO usage_adjustment")
        try await site.redis.start()
        try await waitUntil("PostgreSQL has the journal") {
            site.worker.metricSources.page().contains("\nmetering_journal_waiting_records 0\n")
        }
    }

    private func names(_ site: RunningWorker) -> Set<String> {
        Set(
            site.worker.metricSources.page().matches(of: /TYPE (\w+)\s/).map { String($0.1) })
    }

    /// The first column of the table of docs/operating.md.
    private static func tableOfPage() throws -> Set<String> {
        let page = try ProjectText.of("docs/operating.md")
        return Set(
            page.matches(of: /\n\| `(\w+)` \| (?:counter|gauge|histogram)\s/).map { String($0.1) })
    }
}
