import Metrics
import Synchronization

/// The backend of swift-metrics: keeps the numbers that `/metrics` shows.
///
/// Only what `MetricName` knows is kept, with the labels that it names: a metric of a library, or one with other
/// labels, gets a handler that does nothing. A metric has at most `seriesMax` series; what would be one more is
/// not kept either. So the page is bounded whatever is reported.
final class MetricRegistry: MetricsFactory {
    static let seriesMax = 64

    private enum Cell {
        case number(NumberCell)
        case histogram(HistogramCell)
    }

    private let cells = Mutex<[MetricName: [[String]: Cell]]>([:])

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        number(label, dimensions, .counter) ?? NOOPMetricsHandler.instance
    }

    func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard !aggregate else { return NOOPMetricsHandler.instance }
        return number(label, dimensions, .gauge) ?? NOOPMetricsHandler.instance
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        guard case .histogram(let cell) = cell(label, dimensions, .histogram) else {
            return NOOPMetricsHandler.instance
        }
        return cell
    }

    // A series stays until the process ends: a counter that began again from zero would look like a restart.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private func number(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricName.Kind
    ) -> NumberCell? {
        guard case .number(let cell) = cell(label, dimensions, kind) else { return nil }
        return cell
    }

    /// The cell of a series, made when it is new; nil for one that is not kept.
    private func cell(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricName.Kind
    ) -> Cell? {
        guard let name = MetricName(rawValue: label), name.kind == kind,
            dimensions.map(\.0) == name.labels
        else { return nil }
        let labels = dimensions.map(\.1)
        return cells.withLock { cells in
            if let cell = cells[name]?[labels] { return cell }
            guard cells[name, default: [:]].count < Self.seriesMax else { return nil }
            let cell: Cell = kind == .histogram ? .histogram(.init()) : .number(.init())
            cells[name, default: [:]][labels] = cell
            return cell
        }
    }

    /// Every series, in the order of its labels.
    func samples() -> [MetricName: [MetricSample]] {
        cells.withLock(\.self).mapValues { series in
            series.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { labels, cell in
                switch cell {
                case .number(let cell): MetricSample(labels: labels, value: .number(cell.value))
                case .histogram(let cell):
                    MetricSample(labels: labels, value: .histogram(cell.reading))
                }
            }
        }
    }
}
