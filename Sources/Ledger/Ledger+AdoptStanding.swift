import Postgres

/// What `adoptStanding` did or found in its way.
public enum StandingAdoption: Hashable, Sendable {
    /// The column takes the eight words only from now on.
    case done
    case wasDone
    /// Words that nobody knows, and how many clinics have each; nothing was changed.
    case unknownWords([Word])

    public struct Word: Hashable, Sendable {
        public let word: String
        public let clinics: Int64
    }
}

extension Ledger {
    /// Writes old words of `payment_status` as ours and gives the column its CHECK, when no unknown word is left.
    /// Needs a login that owns the table.
    public func adoptStanding(
        progress: (String) -> Void = { _ in }
    ) async throws -> StandingAdoption {
        let unknown = try await stored {
            try await pool.query(SQL.standingStatusesUnknown, [.count(100)]).map {
                StandingAdoption.Word(
                    word: try $0.text("word"), clinics: try $0.int64("clinics"))
            }
        }
        guard unknown.isEmpty else { return .unknownWords(unknown) }
        let statements = try await Migrator(pool: pool).run(.adoptedStanding, progress: progress)
        return statements.isEmpty ? .wasDone : .done
    }
}
