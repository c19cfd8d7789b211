import Foundation
import Shell
import TestSupport
import Testing

@testable import MeteringWorker

@Suite(.timed) struct `Examples for operators` {
    @Test(.enabled(if: OutsideReader.hasPromtool))
    func `have alerts that Prometheus takes`() async throws {
        let run = try await RunningProcess.run(
            "promtool", ["check", "rules", "Examples/prometheus/alerts.yml"])
        #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
    }

    /// Played by Prometheus: when each of these rules speaks, and when it is silent.
    @Test(.enabled(if: OutsideReader.hasPromtool))
    func `have alerts that speak when they should`() async throws {
        let run = try await RunningProcess.run(
            "promtool", ["test", "rules", "Tests/Metrics/alerts_test.yml"])
        #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
    }

    @Test func `have alerts with a page to open each`() throws {
        let rules = try ProjectText.of("Examples/prometheus/alerts.yml")
        let alerts = rules.matches(of: /- alert: (\w+)/).count
        // An address, because Alertmanager and Grafana make a link of it.
        let address = "runbook_url: https://docs.example/metering-worker/operating.md#"
        let books = rules.split(separator: "\n").compactMap { line in
            line.firstRange(of: address).map { String(line[$0.upperBound...]) }
        }
        #expect(alerts > 10 && books.count == alerts)
        let headings = try ProjectText.of("docs/operating.md").split(separator: "\n")
            .filter { $0.hasPrefix("#") }
            .map { $0.drop { "# ".contains($0) }.lowercased().replacing(" ", with: "-") }
        for book in books { #expect(headings.contains(book), "\(book)") }
    }

    @Test(arguments: ["Examples/prometheus/alerts.yml", "Examples/grafana/metering-worker.json"])
    func `name only metrics that there are`(path: String) throws {
        let named = MetricWords.metrics(in: try ProjectText.of(path))
        #expect(named.count > 15)
        #expect(named.subtracting(MetricName.allCases.map(\.rawValue)) == [])
    }

    @Test func `have a dashboard that shows every metric of the worker`() throws {
        let text = try ProjectText.of("Examples/grafana/metering-worker.json")
        _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let shown = MetricWords.metrics(in: text)
        // What only alerts and other graphs need.
        let beside: Set<MetricName> = [
            .redisServing, .processThreads, .processVirtual, .processStart,
        ]
        for name in MetricName.allCases where !beside.contains(name) {
            #expect(shown.contains(name.rawValue), "\(name.rawValue)")
        }
    }

    @Test func `have units that systemd takes without a word`() async throws {
        let place = try TemporaryDirectory("units")
        defer { place.remove() }
        // Only whether it is there and may be run is looked at, and `make install` did not run.
        let program = "/bin/true"
        var files: [String] = []
        for name in [
            "metering-worker.service", "metering-rollup.service", "metering-rollup.timer",
        ] {
            let unit = try ProjectText.of("Examples/systemd/\(name)")
            if name.hasSuffix(".service") {
                #expect(unit.contains("ExecStart=/usr/local/bin/metering-worker "))
            }
            files.append("\(place.path)/\(name)")
            try unit.replacing("/usr/local/bin/metering-worker", with: program)
                .write(toFile: files.last ?? "", atomically: true, encoding: .utf8)
        }
        let run = try await RunningProcess.run("systemd-analyze", ["verify"] + files)
        #expect(run.ending == .exited(0))
        // It ends well after warnings too.
        #expect(run.output + run.errors == "")
    }

    @Test func `give systemd a file of settings that the worker takes`() throws {
        let lines = try ProjectText.of("Examples/systemd/metering-worker.env").split(
            separator: "\n")
        let pairs = lines.filter { !$0.hasPrefix("#") }.map {
            $0.split(separator: "=", maxSplits: 1)
        }
        let known = Set(WorkerKeys.all.map(\.environmentName))
        for pair in pairs { #expect(known.contains(String(pair[0])), "\(pair[0])") }
        let settings = try WorkerSettings(
            environment: Dictionary(
                uniqueKeysWithValues: pairs.map { (String($0[0]), String($0[1])) }), file: nil)
        #expect(settings.admin?.port == 8081)
    }
}

@Suite(.timed) struct `Operating page` {
    /// To renew its table after a change of `MetricName`: METERING_TEST_WRITE_DOCS=1 swift test --filter `Operating page`
    @Test func `has the table of metrics that the code has`() throws {
        let path = "\(ProjectRoot.path)/docs/operating.md"
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let head = "| metric | kind | labels | says |\n|---|---|---|---|\n"
        let start = try #require(page.range(of: head))
        let end = try #require(page[start.upperBound...].range(of: "\n\n"))
        let rows = MetricName.allCases.map { name in
            let labels = name.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(name.rawValue)` | \(name.kind) | \(labels) | \(name.help) |"
        }
        let wanted = page.replacingCharacters(
            in: start.upperBound..<end.lowerBound, with: rows.joined(separator: "\n"))
        if ProcessInfo.processInfo.environment["METERING_TEST_WRITE_DOCS"] == "1" {
            try wanted.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(
            try String(contentsOfFile: path, encoding: .utf8) == wanted,
            "docs/operating.md is old; run this test with METERING_TEST_WRITE_DOCS=1")
    }
}
