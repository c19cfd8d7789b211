/// A connection on loan, and when it is to be replaced.
struct Lease: Sendable {
    let connection: PostgresConnection
    let expires: ContinuousClock.Instant
}
