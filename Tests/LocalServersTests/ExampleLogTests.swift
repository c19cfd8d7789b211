import Foundation
import TestSupport
import Testing

@Suite(.timed) struct `The example access log` {
    @Test func `is what its generator writes, byte for byte`() async throws {
        let home = try TemporaryDirectory("generated")
        defer { home.remove() }
        let examples = ProjectRoot.path + "/Examples"
        let run = try await RunningProcess.run(
            "/usr/bin/env", ["python3", "\(examples)/make-access-log", home.path])
        try #require(run.ending == .exited(0), "\(run.errors)")
        for name in ["access.log", "access.log.expected"] {
            let generated = try Data(contentsOf: URL(filePath: "\(home.path)/\(name)"))
            let committed = try Data(contentsOf: URL(filePath: "\(examples)/\(name)"))
            #expect(generated == committed, "\(name)")
        }
    }
}
