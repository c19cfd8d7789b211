import Billing

/// How serious something is, in a word, a colour and a sign, so that none of them stands alone.
struct HTMLMark {
    let word: String
    let mood: String
    let sign: String

    static let good = "good"
    static let warn = "warn"
    static let bad = "bad"
    static let plain = "plain"

    /// The mark of a word of `payment_status`, known or not; nil is no subscription.
    static func standing(_ word: String?) -> HTMLMark {
        guard let word else { return HTMLMark(word: "no subscription", mood: plain, sign: "–") }
        let shown = word.replacing("_", with: " ")
        switch PaymentStatus(rawValue: word) {
        case .active: return HTMLMark(word: shown, mood: good, sign: "●")
        case .trialing: return HTMLMark(word: shown, mood: good, sign: "◐")
        case .incomplete: return HTMLMark(word: shown, mood: warn, sign: "○")
        case .pastDue: return HTMLMark(word: shown, mood: warn, sign: "▲")
        case .paused: return HTMLMark(word: shown, mood: warn, sign: "‖")
        case .suspended: return HTMLMark(word: shown, mood: bad, sign: "■")
        case .canceled, .expired: return HTMLMark(word: shown, mood: plain, sign: "×")
        case nil: return HTMLMark(word: word, mood: bad, sign: "?")
        }
    }

    /// The marks of findings; a standing among them is left out, because it has its own column.
    static func findings(_ findings: String?) -> [HTMLMark] {
        (findings ?? "").split(separator: " ").compactMap { finding in
            switch finding {
            case "over_users": HTMLMark(word: "users", mood: bad, sign: "▲")
            case "over_patients": HTMLMark(word: "patients", mood: bad, sign: "▲")
            case "over_calls": HTMLMark(word: "calls", mood: bad, sign: "▲")
            case "over_storage": HTMLMark(word: "storage", mood: bad, sign: "▲")
            case "drift": HTMLMark(word: "drift", mood: warn, sign: "≠")
            case "attention": HTMLMark(word: "attention", mood: warn, sign: "!")
            default: nil
            }
        }
    }
}
