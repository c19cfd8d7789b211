/// What a connection tells its lane, always on the event loop.
protocol ConnectionObserver: AnyObject {
    func connectionIsReady(_ connection: Connection)
    /// The connection is over; every call on it has been finished.
    func connectionEnded(_ connection: Connection, because reason: RedisError)
    func connectionFlushed(commands: Int)
    /// The reply to a call came, in time or late; of calls sent as one, only the first is reported.
    func connectionAnswered(_ call: Call)
    /// A counted call left the connection.
    func connectionReleased(count: Int, size: Int)
    /// The server replies as a replica.
    func connectionMetReplica(_ connection: Connection, _ error: RedisServerError)
    /// The server temporarily accepts no writes; reported once for each reason.
    func connectionIsRefused(_ connection: Connection, _ error: RedisServerError)
    func connectionIsServedAgain(_ connection: Connection)
}
