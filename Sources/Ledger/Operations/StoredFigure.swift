/// One number that PostgreSQL holds for the metrics.
public struct StoredFigure: Hashable, Sendable {
    /// Of the metric, such as `metering_outbox_open_messages`.
    public let name: String
    /// The value of the metric's one label; empty when it has none.
    public let label: String
    /// A count, or an age in whole seconds.
    public let value: Int64

    public init(name: String, label: String, value: Int64) {
        (self.name, self.label, self.value) = (name, label, value)
    }
}
