import Ledger
import Postgres
import Shell

/// Whether notifications of changes in PostgreSQL arrive at once.
enum ListenFacts: Hashable, Sendable {
    case notSet
    case badAddress(String)
    /// There was no connection in time.
    case unreachable(String)
    /// It listens, but DATABASE_URL could not send a notification.
    case unproven
    case silent
    case notified
}

extension DoctorCheck {
    static func listening(_ facts: ListenFacts) -> DoctorCheck {
        let remedy = "name the same database in DATABASE_LISTEN_URL over a direct connection"
        return switch facts {
        case .notified: .ok("listening", "notifications of PostgreSQL arrive at once")
        case .notSet:
            .warn(
                "listening",
                "DATABASE_LISTEN_URL is not set: the worker polls for changes every second",
                remedy: remedy)
        case .badAddress(let problem):
            .fail(
                "listening", "DATABASE_LISTEN_URL: \(Console.oneLine(problem))",
                remedy: "write it as postgresql://user@host/database")
        case .unreachable(let reason):
            .fail(
                "listening", "DATABASE_LISTEN_URL: \(Console.oneLine(reason))",
                remedy: "check that PostgreSQL runs and that the URL is right")
        case .unproven:
            .warn(
                "listening",
                "DATABASE_LISTEN_URL listens, but DATABASE_URL could not send a notification",
                remedy: "fix DATABASE_URL first")
        case .silent:
            .fail(
                "listening",
                "no notification sent through DATABASE_URL arrives through DATABASE_LISTEN_URL: a "
                    + "pooler is in between, or it leads to another database",
                remedy: remedy)
        }
    }
}
