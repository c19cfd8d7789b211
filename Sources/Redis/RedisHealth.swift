/// How a client is doing, for readiness and metrics. Counts are since the client was made.
public struct RedisHealth: Sendable, Hashable {
    /// Connections the client wants.
    public let connections: Int
    /// Connections that take commands now.
    public let connected: Int
    /// Why a connection that is down is down.
    public let lastFailure: RedisError?
    /// Why the server takes no writes; its code is fit for a log, its message may hold arguments.
    public let refusal: RedisServerError?
    /// Connections made; more than `connections` means that some were lost.
    public let connects: Int
    /// Commands written to a socket.
    public let commands: Int
    /// Writes that carried them; fewer than `commands` because they share.
    public let flushes: Int
    /// Commands that wait or are unanswered.
    public let pending: Int

    init(_ lanes: [Lane]) {
        let readings = lanes.map(\.gauge.reading)
        connections = lanes.count
        connected = lanes.count(where: \.gauge.isUp)
        lastFailure = readings.lazy.compactMap(\.lastFailure).first
        refusal = readings.lazy.compactMap(\.refusal).first
        connects = readings.reduce(0) { $0 + $1.connects }
        commands = readings.reduce(0) { $0 + $1.commands }
        flushes = readings.reduce(0) { $0 + $1.flushes }
        pending = lanes.reduce(0) { $0 + $1.intake.count }
    }
}
