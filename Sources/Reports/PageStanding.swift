import Billing

/// How serious something is, in a word, a colour and a sign, so that none of them stands alone.
struct PageMark {
    let word: String
    let mood: String
    let sign: String

    static let good = "good"
    static let warn = "warn"
    static let bad = "bad"
    static let plain = "plain"

    /// The mark of a word of `payment_status`, also of one that nobody knows; nil is no subscription.
    static func standing(_ word: String?) -> PageMark {
        guard let word else { return PageMark(word: "no subscription", mood: plain, sign: "–") }
        let shown = word.replacing("_", with: " ")
        switch PaymentStatus(rawValue: word) {
        case .active: return PageMark(word: shown, mood: good, sign: "●")
        case .trialing: return PageMark(word: shown, mood: good, sign: "◐")
        case .incomplete: return PageMark(word: shown, mood: warn, sign: "○")
        case .pastDue: return PageMark(word: shown, mood: warn, sign: "▲")
        case .paused: return PageMark(word: shown, mood: warn, sign: "‖")
        case .suspended: return PageMark(word: shown, mood: bad, sign: "■")
        case .canceled, .expired: return PageMark(word: shown, mood: plain, sign: "×")
        case nil: return PageMark(word: word, mood: bad, sign: "?")
        }
    }

    /// The marks of findings; a standing among them is left out, because it has its own column.
    static func findings(_ findings: String?) -> [PageMark] {
        (findings ?? "").split(separator: " ").compactMap { finding in
            switch finding {
            case "over_users": PageMark(word: "users", mood: bad, sign: "▲")
            case "over_patients": PageMark(word: "patients", mood: bad, sign: "▲")
            case "over_calls": PageMark(word: "calls", mood: bad, sign: "▲")
            case "over_storage": PageMark(word: "storage", mood: bad, sign: "▲")
            case "drift": PageMark(word: "drift", mood: warn, sign: "≠")
            case "attention": PageMark(word: "attention", mood: warn, sign: "!")
            default: nil
            }
        }
    }
}
