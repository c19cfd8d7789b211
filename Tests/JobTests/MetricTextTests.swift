import Foundation
import Ledger
import Metering
import Quotas
import TestSupport
import Testing

@testable import MeteringWorker

@Suite(.timed) struct `Metric page` {
    @Test func `writes help, type, labels in their order and seconds without fractions of binary`()
    {
        let page = MetricText.text([
            .checks: [.number(3, "consume", "allowed", "none")],
            .keysAge: [.number(1_500_000_000)],
        ])
        #expect(
            page == """
                # HELP metering_checks_total Checks that ended, by mode, verdict and reason.
                # TYPE metering_checks_total counter
                metering_checks_total{mode="consume",verdict="allowed",reason="none"} 3
                # HELP metering_api_keys_age_seconds Time since the API keys in memory were last renewed.
                # TYPE metering_api_keys_age_seconds gauge
                metering_api_keys_age_seconds 1.5

                """)
    }

    @Test(arguments: [
        (0, "0"), (1, "0.000000001"), (2_500_000, "0.0025"), (3_000_000_000, "3"),
        (-1_500_000_000, "-1.5"), (Int64.max, "9223372036.854775807"),
        (Int64.min, "-9223372036.854775808"),
    ])
    func `writes nanoseconds as seconds`(nanoseconds: Int64, text: String) {
        #expect(MetricText.seconds(nanoseconds) == text)
    }

    @Test func `escapes what would end a value or a line`() {
        let page = MetricText.text([.attention: [.number(1, "a\"b\\c\nd")]])
        #expect(page.contains(#"metering_attention_open{kind="a\"b\\c\nd"} 1"#))
        #expect(MetricText.escaped("a\"\\\n", quotes: false) == #"a"\\\n"#)
    }

    @Test func `adds buckets up, the last of which holds all`() {
        let cell = HistogramCell()
        for time: Int64 in [-1, 100_000, 100_001, 6_000_000_000] { cell.record(nanoseconds: time) }
        let page = MetricText.text([
            .redisDuration: [MetricSample(value: .histogram(cell.reading))]
        ])
        #expect(page.contains("metering_redis_duration_seconds_bucket{le=\"0.0001\"} 2\n"))
        #expect(page.contains("metering_redis_duration_seconds_bucket{le=\"0.00025\"} 3\n"))
        #expect(page.contains("metering_redis_duration_seconds_bucket{le=\"5\"} 3\n"))
        #expect(page.contains("metering_redis_duration_seconds_bucket{le=\"+Inf\"} 4\n"))
        #expect(page.contains("metering_redis_duration_seconds_count 4\n"))
        #expect(page.contains("metering_redis_duration_seconds_sum 6.000200001\n"))
    }

    @Test func `names every metric once, as Prometheus wants them`() {
        for name in MetricName.allCases {
            #expect(name.rawValue.wholeMatch(of: /(metering|process)_[a-z_]+/) != nil)
            #expect((name.kind == .counter) == name.rawValue.hasSuffix("_total"))
            #expect(name.kind != .histogram || name.rawValue.hasSuffix("_seconds"))
            #expect(name.help.hasSuffix(".") && !name.help.contains("\n"))
            #expect(!name.labels.contains { $0.contains("clinic") })
        }
        #expect(Set(MetricName.allCases.map(\.help)).count == MetricName.allCases.count)
    }
}

@Suite(.timed) struct `Metric registry` {
    @Test func `keeps only series with the labels and the kind of their metric`() {
        let registry = MetricRegistry()
        registry.number(.jobRuns).add(1)
        registry.number(.jobRuns, ["sweep"]).add(1)
        registry.histogram(.standingMoves).record(nanoseconds: 1)
        registry.number(.redisDuration).set(1)
        #expect(registry.samples().isEmpty)
        registry.number(.jobRuns, ["sweep", "ok"]).add(2)
        #expect(registry.samples() == [.jobRuns: [.number(2, "sweep", "ok")]])
    }

    @Test func `gives one cell to all that ask for a series`() {
        let registry = MetricRegistry()
        for _ in 0..<3 { registry.number(.standingMoves).add(1) }
        registry.number(.journalWaiting).set(7)
        registry.number(.journalWaiting).set(5)
        registry.histogram(.loopLag).record(nanoseconds: 1)
        #expect(registry.histogram(.loopLag).reading.counts.first == 1)
        #expect(registry.samples()[.standingMoves] == [.number(3)])
        #expect(registry.samples()[.journalWaiting] == [.number(5)])
    }

    @Test func `is bounded whatever is reported`() {
        let registry = MetricRegistry()
        for number in 0..<1_000 { registry.number(.attention, ["kind \(number)"]).set(1) }
        #expect(registry.samples()[.attention]?.count == MetricRegistry.seriesMax)
    }
}

@Suite(.timed) struct `Worker metrics` {
    @Test func `count a check once, in its series and in the histogram of time`() throws {
        let tally = CheckTally()
        tally.note(.consume, .allowed, 90_000)
        tally.note(.consume, .allowed, 3_000_000)
        tally.note(.peek, .quota, 200_000)
        tally.note(.consume, .countersUnavailable, 25_000_000)
        let samples = tally.samples()
        #expect(
            samples[.checks]?.filter { $0.value != .number(0) } == [
                .number(1, "peek", "denied", "quota"), .number(2, "consume", "allowed", "none"),
                .number(1, "consume", "failed", "redis_unavailable"),
            ])
        let value = try #require(samples[.checkDuration]?.first?.value)
        guard case .histogram(let times) = value else {
            Issue.record("no histogram")
            return
        }
        #expect(times.counts == [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
        #expect(times.sum == 28_290_000)
    }

    @Test func `lose no check of many threads`() async {
        let tally = CheckTally()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 { tally.note(.consume, .rateLimit, 400_000) }
                }
            }
        }
        let denied = MetricSample.number(80_000, "consume", "denied", "rate_limit")
        #expect(tally.samples()[.checks]?.contains(denied) == true)
    }

    @Test func `let ages go on while PostgreSQL does not reply, but not the age of nothing`() throws
    {
        let metrics = WorkerMetrics()
        metrics.keep([
            StoredFigure(name: "metering_report_age_seconds", label: "", value: 5),
            StoredFigure(name: "metering_outbox_age_seconds", label: "", value: 0),
            StoredFigure(name: "metering_rollup_age_seconds", label: "", value: .max),
            StoredFigure(name: "metering_attention_open", label: "unknown_status", value: 2),
            StoredFigure(name: "metering_unheard_of", label: "", value: 1),
            StoredFigure(name: "metering_checks_total", label: "", value: 1_000),
        ])
        let samples = metrics.samples()
        guard case .number(let age) = try #require(samples[.reportAge]?.first?.value) else {
            Issue.record("no number")
            return
        }
        #expect(age > 5_000_000_000)
        #expect(samples[.outboxAge] == [.number(0)])
        #expect(samples[.rollupAge] == [.number(Int64.max)])
        #expect(samples[.attention] == [.number(2, "unknown_status")])
        #expect(samples[.checks]?.contains { $0.value == .number(1_000) } == false)
    }

    @Test(arguments: [
        ("usage_checkpoint_upsert", PostgresWork.checkpoint), ("rollup_bucket_write", .rollup),
        ("capacities_of_clinics", .capacity), ("clinics_known", .settings),
        ("terms_of_clinics", .settings),
        ("api_key_usable", .keys), ("standing_due", .standing), ("plan_changes_due", .standing),
        ("plans_refused", .settings), ("COMMIT", .commit), ("schema_version", .other),
    ])
    func `say what a statement is for`(statement: String, work: PostgresWork) {
        #expect(PostgresWork(statement: statement) == work)
    }

    @Test func `read what Linux says of the process`() throws {
        let samples = ProcessFigures().samples
        for name in MetricName.allCases where name.rawValue.hasPrefix("process_") {
            guard case .number(let number) = try #require(samples[name]?.first?.value) else {
                Issue.record("\(name) is no number")
                continue
            }
            #expect(number > 0, "\(name)")
        }
    }
}
