/// One series of a metric at one moment.
struct MetricSample: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        /// A count, or nanoseconds when the metric is in seconds.
        case number(Int64)
        case histogram(HistogramReading)
    }

    /// Values of the metric's labels, in their order.
    var labels: [String] = []
    var value: Value

    static func number(_ number: some BinaryInteger, _ labels: String...) -> MetricSample {
        MetricSample(labels: labels, value: .number(Int64(clamping: number)))
    }
}
