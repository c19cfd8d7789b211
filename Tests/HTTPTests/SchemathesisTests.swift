import DatabaseSupport
import Foundation
import LocalServers
import Metering
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// A client that nobody here wrote reads openapi.json and tries what it says, and what it does not
/// say. docs/http.md tells how others run it.
@Suite(.timed, .serialized) struct `Schemathesis` {
    /// The same requests in each run; with `make test-long` others, and more of them.
    @Test func `finds no answer that is not described`() async throws {
        let tools = try await PythonTools.directory()
        let isLong = TimeBox.isLong
        let seed = isLong ? Seed.current("Schemathesis") % 1_000_000_000 : 20_261_125
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":50,"per":"1s","burst":100}},"quota":{"api_calls":2000}}"#
            )
            let files = try TemporaryDirectory("schemathesis")
            defer { files.remove() }
            let run = try await RunningProcess.run(
                "\(tools)/schemathesis",
                [
                    "run", "\(ProjectRoot.path)/Sources/MeteringWorker/Handlers/openapi.json",
                    "--url", "http://127.0.0.1:\(worker.port)",
                    "--header", "Authorization: Bearer \(worker.key)",
                    "--seed", "\(seed)", "--generation-database", "none", "--no-color",
                    "--max-examples", isLong ? "400" : "40", "--max-time", isLong ? "120" : "20",
                    "--continue-on-failure", "--request-timeout", "60", "--warnings", "off",
                ],
                environment: [
                    "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "METERING_CLINIC": "\(clinic)",
                    "PYTHONPATH": "\(ProjectRoot.path)/Tests/Python",
                    "PYTHONDONTWRITEBYTECODE": "1",
                ],
                workingDirectory: files.path, within: .seconds(300))
            #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
            try await worker.expectServing()
        }
    }
}
