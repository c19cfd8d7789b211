extension PaymentStatus {
    /// What the words mean that applications wrote before this program was there: `paid` is `active`.
    /// nil for a word that nobody knows.
    public init?(legacy word: String) {
        switch word {
        case "paid": self = .active
        case "pending": self = .incomplete
        case "trial": self = .trialing
        case "unpaid", "overdue": self = .pastDue
        case "blocked": self = .suspended
        case "cancelled": self = .canceled
        default: return nil
        }
    }

    /// Reads what a database holds: a word of today, or an old one.
    public init?(stored word: String) {
        guard let status = PaymentStatus(rawValue: word) ?? PaymentStatus(legacy: word) else {
            return nil
        }
        self = status
    }
}
