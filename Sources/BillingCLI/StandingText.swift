import Billing
import Ledger
import Metering
import Shell
import Values

/// What `billing standing` prints.
struct StandingText {
    let record: StandingRecord
    let moves: [StandingMove]
    let waiting: (plan: String, at: UTCTime)?

    var text: String {
        (head + section("next, if no other fact arrives", next) + section("facts", facts)
            + section("moves", moves.map(Self.line))).map { $0 + "\n" }.joined()
    }

    private var head: [String] {
        var lines = ["clinic  \(record.clinic)"]
        guard let word = record.storedStatus else {
            return lines + ["no subscription: nothing is limited; billing subscribe starts one"]
        }
        lines.append("plan    \(record.plan.map(TerminalText.quoted) ?? "none")")
        if let standing = record.standing {
            lines.append(
                "status  \(standing.status.rawValue) since \(standing.since), "
                    + "because \(standing.cause.words)")
        } else {
            lines.append(
                "status  \(TerminalText.quoted(word)) is not a known value: nothing is limited; "
                    + "write one of the eight, or record a fact")
        }
        if let since = record.step().unpaidSince { lines.append("unpaid  since \(since)") }
        if let end = record.terms.end {
            lines.append("ends    \(end)\(record.terms.renews ? ", and renews" : "")")
        }
        if let waiting {
            lines.append("plan    becomes \(TerminalText.quoted(waiting.plan)) at \(waiting.at)")
        }
        if let problem = record.scheduleProblem {
            lines.append("plan    cannot be read, so the default days apply: \(problem)")
        }
        return lines
    }

    private var next: [String] {
        record.hasSubscription ? record.forecast.entries.prefix(10).map(\.line) : []
    }

    private var facts: [String] {
        record.facts.suffix(20).map { fact in
            var words = [fact.fact.at.description, fact.kind]
            switch fact.fact.kind {
            case .declared(let status): words.append(status.rawValue)
            case .charged(let invoice, let due):
                words += [TerminalText.quoted(invoice), "due \(due)"]
            case .paymentFailed(let invoice?), .paid(let invoice?), .reopened(let invoice?):
                words.append(TerminalText.quoted(invoice))
            case .held(let until?), .canceled(let until), .subscribed(let until?, _):
                words.append("until \(until)")
            default: break
            }
            return
                (words + [
                    "by \(TerminalText.quoted(fact.recordedBy)):", TerminalText.quoted(fact.reason),
                ])
                .joined(separator: " ")
        }
    }

    private func section(_ title: String, _ lines: [String]) -> [String] {
        lines.isEmpty ? [] : ["", title] + lines.map { "  " + $0 }
    }

    private static func line(_ move: StandingMove) -> String {
        "\(move.at) \(move.from ?? "none") -> \(move.to), \(move.cause) (event \(move.event), by "
            + "\(TerminalText.quoted(move.recordedBy)))"
    }
}

extension Standing.Cause {
    /// For a person, after "because".
    var words: String {
        switch self {
        case .subscribed: "it was subscribed"
        case .declared: "the application wrote it"
        case .paid: "it was paid"
        case .unpaid: "an amount is unpaid"
        case .graceEnded: "the grace period is over"
        case .deadlinePassed: "the last deadline has passed"
        case .trialEnded: "the trial has ended without a payment"
        case .held: "it is held"
        case .released: "it was released"
        case .canceled: "it was canceled"
        case .endDatePassed: "the end date has passed"
        case .firstPaymentMissing: "the first payment did not arrive"
        case .restored: "the cause of its end was withdrawn"
        }
    }
}

extension StandingForecast.Entry {
    var line: String {
        switch what {
        case .becomes(let status, let cause): "\(at) \(status.rawValue), because \(cause.words)"
        case .notice(let day): "\(at) notice of day \(day)"
        }
    }
}

extension StandingChange {
    /// What a command that recorded a fact prints.
    func line(isNew: Bool = true) -> String {
        let status = after.status.rawValue
        guard isNew else { return "already recorded; still \(status)\n" }
        let old = before.map { $0.status.rawValue } ?? "none"
        guard event != nil else { return "still \(status) since \(after.since)\n" }
        return "\(old) -> \(status), because \(after.cause.words)\n"
    }
}
