@testable import MeteringWorker

/// Words in a text that look like metrics.
enum MetricWords {
    /// Without the endings that histograms add.
    static func metrics(in text: String) -> Set<String> {
        let known = Set(MetricName.allCases.map(\.rawValue))
        return Set(
            text.matches(of: /\b(?:metering|process)_[a-z_]+\b/).map { match in
                let word = String(match.0)
                guard !known.contains(word) else { return word }
                for ending in ["_bucket", "_sum", "_count"] where word.hasSuffix(ending) {
                    return String(word.dropLast(ending.count))
                }
                return word
            })
    }
}
