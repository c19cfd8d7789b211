/// The results of an access log that was played as calls.
struct TrafficTally: Sendable {
    var lines = 0
    var malformed = 0
    var allowed = 0
    var denied: [String: Int] = [:]

    var calls: Int { lines - malformed }
    var deniedTotal: Int { denied.values.reduce(0, +) }

    /// `lines 10000 = calls 9990 + malformed 10; allowed 9990, denied 0`
    var sentence: String {
        "lines \(lines) = calls \(calls) + malformed \(malformed); "
            + "allowed \(allowed), denied \(deniedTotal)"
    }
}

extension TrafficTally {
    /// - Parameter denial: The reason; nil when the call was allowed.
    mutating func count(_ denial: String?) {
        if let denial { denied[denial, default: 0] += 1 } else { allowed += 1 }
    }
}
