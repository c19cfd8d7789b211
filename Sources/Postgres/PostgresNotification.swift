/// One message that a session sent with NOTIFY.
public struct PostgresNotification: Sendable, Hashable {
    public let channel: String
    /// Empty when nothing was added; below 8,000 bytes.
    public let payload: String

    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}
