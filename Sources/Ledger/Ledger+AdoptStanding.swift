import Postgres

/// What `adoptStanding` did or found in its way.
public enum StandingAdoption: Hashable, Sendable {
    /// The column takes the eight words only from now on; so many rows had old ones.
    case done(rewritten: Int)
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
    ///
    /// Gives up when other statements keep the table for half a second; holds it while it reads it once.
    public func adoptStanding() async throws(LedgerError) -> StandingAdoption {
        try await changing { connection in
            guard try await connection.query(SQL.standingCheckFound).first?.bool("is_there") != true
            else { return .wasDone }
            let unknown = try await connection.query(SQL.standingWordsUnknown, [.count(100)]).map {
                StandingAdoption.Word(
                    word: try $0.text("word"), clinics: try $0.int64("clinics"))
            }
            guard unknown.isEmpty else { return .unknownWords(unknown) }
            try await connection.execute(SQL.migrationLockTimeout)
            let rewritten = try await connection.execute(SQL.standingWordsRewrite)
            do {
                try await connection.execute(SQL.standingCheckAdd)
            } catch PostgresError.server(let error) where error.sqlState == "55P03" {
                throw LedgerError.refused("clinic_subscriptions is in use; try again")
            }
            return .done(rewritten: Int(rewritten))
        }
    }
}
