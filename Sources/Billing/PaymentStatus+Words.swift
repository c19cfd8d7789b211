extension PaymentStatus {
    /// Values that applications used before, and their meaning here.
    static let oldWords: [String: PaymentStatus] = [
        "paid": .active, "pending": .incomplete, "unpaid": .pastDue, "overdue": .pastDue,
        "trial": .trialing, "cancelled": .canceled, "blocked": .suspended,
    ]

    /// The status that a stored value means, in any case; nil for an unknown value.
    ///
    /// The function `metering.standing_status` of the database has the same table.
    public init?(stored word: String) {
        // Blanks only, as the database trims them.
        let word = String(word.lowercased().drop { $0 == " " })
        let end = word.lastIndex { $0 != " " }.map(word.index(after:)) ?? word.startIndex
        let trimmed = String(word[..<end])
        guard let status = PaymentStatus(rawValue: trimmed) ?? Self.oldWords[trimmed] else {
            return nil
        }
        self = status
    }

    /// How far a clinic that does not pay has come: 0 not at all, 1 past due, 2 suspended, 3 over.
    var severity: Int {
        switch self {
        case .incomplete, .trialing, .active, .paused: 0
        case .pastDue: 1
        case .suspended: 2
        case .canceled, .expired: 3
        }
    }

    /// The status of one step of severity.
    static func ofSeverity(_ severity: Int) -> PaymentStatus {
        switch severity {
        case ...0: .active
        case 1: .pastDue
        case 2: .suspended
        default: .canceled
        }
    }
}
