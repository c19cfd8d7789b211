import Foundation
import Shell
import TestSupport
import Testing

@testable import MeteringWorker

@Suite(.timed) struct `Configuration page` {
    /// To renew the page after a change of the table: METERING_TEST_WRITE_DOCS=1 swift test --filter `page`
    @Test func `is what the table of settings says`() throws {
        let path = "\(ProjectRoot.path)/docs/configuration.md"
        let wanted = Data(SettingsReference.text.utf8)
        if ProcessInfo.processInfo.environment["METERING_TEST_WRITE_DOCS"] == "1" {
            try wanted.write(to: URL(filePath: path))
        }
        let found = try Data(contentsOf: URL(filePath: path))
        #expect(
            found == wanted,
            "docs/configuration.md is old; run this test with METERING_TEST_WRITE_DOCS=1")
    }

    @Test func `has one line for each setting`() {
        for key in WorkerKeys.all {
            let lines = SettingsReference.text.split(separator: "\n")
                .filter { $0.hasPrefix("| `\(key.environmentName)` |") }
            #expect(lines.count == 1, "\(key.environmentName)")
        }
    }
}
