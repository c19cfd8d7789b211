/// The plans of the clinics in the sample traffic.
///
/// The busiest clinic uses up its quota, the second one calls faster than its plan admits, and the
/// third has no subscription. All others stay within their plans.
struct SamplePlans: Sendable {
    private let ranks: [String: Int]

    init(_ log: AccessLogFile) async throws {
        var counts: [String: Int] = [:]
        var reader = AccessLogReader()
        let count = { (line: AccessLogLine) in
            if case .call(let host) = line { counts[host, default: 0] += 1 }
        }
        try await log.pieces { reader.feed($0, count) }
        reader.finish(count)
        let order = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        ranks = Dictionary(
            order.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { $1 })
    }

    var plan: @Sendable (DemoClinic) -> String? {
        { clinic in
            switch ranks[clinic.host] {
            case 0: "Trial"
            case 1: "Solo"
            case 2: nil
            default: "Practice"
            }
        }
    }
}
