/// The text that Prometheus reads: its text format 0.0.4.
enum MetricText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// - Parameter samples: By metric; one without a sample is left out.
    static func text(_ samples: [MetricName: [MetricSample]]) -> String {
        var page = ""
        for name in MetricName.allCases {
            guard let samples = samples[name], !samples.isEmpty else { continue }
            page += "# HELP \(name.rawValue) \(escaped(name.help, quotes: false))\n"
            page += "# TYPE \(name.rawValue) \(name.kind.rawValue)\n"
            for sample in samples { write(sample, of: name, to: &page) }
        }
        return page
    }

    private static func write(_ sample: MetricSample, of name: MetricName, to page: inout String) {
        let labels = Array(zip(name.labels, sample.labels))
        switch sample.value {
        case .number(let number):
            let value = name.isInSeconds ? seconds(number) : "\(number)"
            page += "\(name.rawValue)\(text(labels)) \(value)\n"
        case .histogram(let reading):
            var total: Int64 = 0
            for (place, count) in reading.counts.enumerated() {
                total += count
                let bound =
                    place < Buckets.bounds.count ? seconds(Buckets.bounds[place]) : "+Inf"
                page += "\(name.rawValue)_bucket\(text(labels + [("le", bound)])) \(total)\n"
            }
            page += "\(name.rawValue)_sum\(text(labels)) \(seconds(reading.sum))\n"
            page += "\(name.rawValue)_count\(text(labels)) \(total)\n"
        }
    }

    private static func text(_ labels: [(name: String, value: String)]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    /// Nanoseconds as seconds: 2,500,000 is `0.0025`, 3,000,000,000 is `3`.
    static func seconds(_ nanoseconds: Int64) -> String {
        let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        var text = "\(nanoseconds < 0 ? "-" : "")\(whole)"
        guard rest > 0 else { return text }
        var digits = String(String(rest + 1_000_000_000).dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        text += ".\(digits)"
        return text
    }

    /// As the format demands: backslash and end of line, and in the value of a label the quote too.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
