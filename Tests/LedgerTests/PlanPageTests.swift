import Foundation
import Ledger
import TestSupport
import Testing

@Suite(.timed) struct `The page on plans` {
    @Test func `has examples that are good plans`() throws {
        let data = try Data(contentsOf: URL(filePath: ProjectRoot.path + "/docs/plans.md"))
        let page = String(decoding: data, as: UTF8.self)
        let examples = page.split(separator: "```json\n").dropFirst().compactMap {
            $0.split(separator: "\n```", maxSplits: 1).first
        }
        #expect(examples.count == 2)
        for example in examples {
            let file = PlanFile(Array(example.utf8))
            #expect(file.problems.isEmpty && !file.plans.isEmpty)
        }
    }
}
