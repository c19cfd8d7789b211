import ArgumentParser
import Billing
import Ledger
import Metering
import Shell

/// A command that records one fact about one clinic.
protocol FactCommand: AsyncParsableCommand {
    var subject: FactSubject { get }
    var change: ChangeOptions { get }
    /// When it happened; nil for now.
    var at: UTCTime? { get }
    var kind: SubscriptionFact.Kind { get }
}

extension FactCommand {
    var at: UTCTime? { nil }

    func run() async throws {
        try await AdminDatabase.lend(to: change.actor) { ledger in
            let id = try await ledger.clinics.find(named: subject.clinic)
            let entry = FactEntry(
                kind, at: at, reason: change.reason, key: change.idempotencyKey)
            let recorded = try await ledger.subscriptions.record(entry, of: id)
            try Console.write(recorded.change.line(isNew: recorded.isNew))
        }
    }
}
