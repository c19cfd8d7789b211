import Synchronization

/// The numbers that `/metrics` shows, by metric and series.
///
/// A metric has at most ``seriesMax`` series, each with a value for each label of the metric. A
/// series beyond that is counted in a cell that the text leaves out, so the text is bounded.
final class MetricRegistry: Sendable {
    static let seriesMax = 64

    private enum Cell {
        case number(NumberCell)
        case histogram(HistogramCell)
    }

    private let cells = Mutex<[MetricName: [[String]: Cell]]>([:])

    /// The cell of a counter's or gauge's series, made when it is new.
    /// - Parameter labels: The values of the metric's labels, in their order.
    func number(_ name: MetricName, _ labels: [String] = []) -> NumberCell {
        guard name.kind != .histogram,
            case .number(let cell) = cell(name, labels, { .number(NumberCell()) })
        else { return NumberCell() }
        return cell
    }

    /// The cell of a histogram's series, made when it is new.
    /// - Parameter labels: The values of the metric's labels, in their order.
    func histogram(_ name: MetricName, _ labels: [String] = []) -> HistogramCell {
        guard name.kind == .histogram,
            case .histogram(let cell) = cell(name, labels, { .histogram(HistogramCell()) })
        else { return HistogramCell() }
        return cell
    }

    /// A series stays until the process ends: a counter that started again from zero would look
    /// like a restart.
    private func cell(_ name: MetricName, _ labels: [String], _ make: () -> Cell) -> Cell? {
        guard labels.count == name.labels.count else { return nil }
        return cells.withLock { cells in
            if let cell = cells[name]?[labels] { return cell }
            guard cells[name, default: [:]].count < Self.seriesMax else { return nil }
            let cell = make()
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
