/// The fields of draft-ietf-httpapi-ratelimit-headers-10 for the limit that a check named.
///
/// A burst of 60 that refills in 3 s, 12 of it left, full again in 2.4 s:
/// `RateLimit-Policy: "default";q=60;w=3` and `RateLimit: "default";r=12;t=3`.
public enum RateLimitFields {
    /// Adds `Retry-After` to a denial that ends by waiting, and `X-Metering-Degraded: true` to a
    /// decision that this process made alone.
    public static func fields(_ decision: QuotaDecision) -> [(name: String, value: String)] {
        limits(decision) + (decision.isDegraded ? [("X-Metering-Degraded", "true")] : [])
    }

    private static func limits(_ decision: QuotaDecision) -> [(name: String, value: String)] {
        // Clients should ignore a limit in shadow.
        let named = decision.limits.filter { $0.isNamed && !$0.isInShadow }
        guard !named.isEmpty else { return retry(decision) }
        let policy = named.map { "\"\($0.name)\";q=\($0.burst);w=\($0.window.secondsUp)" }
        let state = named.map { "\"\($0.name)\";r=\($0.remaining);t=\($0.resetAfter.secondsUp)" }
        return [
            ("RateLimit-Policy", policy.joined(separator: ", ")),
            ("RateLimit", state.joined(separator: ", ")),
        ] + retry(decision)
    }

    private static func retry(_ decision: QuotaDecision) -> [(name: String, value: String)] {
        guard !decision.isAllowed, let wait = decision.retryAfter else { return [] }
        return [("Retry-After", "\(max(1, wait.secondsUp))")]
    }
}

extension Duration {
    /// Whole seconds, rounded up: a client that waits that long has waited long enough.
    public var secondsUp: Int64 {
        let (seconds, attoseconds) = components
        return attoseconds > 0 ? seconds + 1 : seconds
    }
}
