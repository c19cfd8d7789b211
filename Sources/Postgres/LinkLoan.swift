/// Keeps the link of a connection from the first step of a stream to its last.
///
/// Unchecked, because a stream's iterator belongs to the one task that iterates.
final class LinkLoan: @unchecked Sendable {
    private enum Phase { case fresh, running(Link), over }

    private let connection: PostgresConnection
    private var phase = Phase.fresh

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// The iterator was dropped before the last row: what the server still sends has no reader.
    deinit {
        guard case .running(let link) = phase else { return }
        link.abandon()
        connection.giveBack(link)
    }

    /// One step of the stream; `body` learns whether it is the first, and returns nil after the
    /// last.
    func step<Answer>(
        _ body: (Link, Bool) async throws(PostgresError) -> Answer?
    ) async throws(PostgresError) -> Answer? {
        let link: Link
        let isFirst: Bool
        switch phase {
        case .over: return nil
        case .running(let running): (link, isFirst) = (running, false)
        case .fresh:
            guard !Task.isCancelled else { throw .cancelled }
            (link, isFirst) = (try connection.borrow(), true)
            phase = .running(link)
        }
        do {
            guard let answer = try await body(link, isFirst) else {
                end(link)
                return nil
            }
            return answer
        } catch {
            connection.noteFailure(error)
            end(link)
            throw error
        }
    }

    private func end(_ link: Link) {
        phase = .over
        connection.giveBack(link)
    }
}
