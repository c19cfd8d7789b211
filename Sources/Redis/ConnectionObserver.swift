/// What a connection tells its lane, always on the event loop.
protocol ConnectionObserver: AnyObject {
    func connectionIsReady(_ connection: Connection)
    /// The connection is over; every call on it has been finished.
    func connectionEnded(_ connection: Connection, because reason: RedisError)
    func connectionFlushed(commands: Int)
    /// The reply to a call came, in time or late; told of the first of calls that went out as one.
    func connectionAnswered(_ call: Call)
    /// A counted call left the connection.
    func connectionReleased(count: Int, size: Int)
    /// The server answers as a replica does.
    func connectionMetReplica(_ connection: Connection, _ error: RedisServerError)
    /// The server takes no writes for a while; told once for each reason.
    func connectionIsRefused(_ connection: Connection, _ error: RedisServerError)
    func connectionIsServedAgain(_ connection: Connection)
}
