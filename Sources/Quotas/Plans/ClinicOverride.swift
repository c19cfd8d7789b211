import Metering
import Values

/// One number or switch that a clinic has beside its plan.
public struct ClinicOverride: Hashable, Sendable {
    public enum What: Hashable, Sendable {
        /// Units a month.
        case quota
        /// What the database keeps: people, patients, bytes of files.
        case users, patients, storage
        /// One window of a rate limit.
        case limit(String, isSustained: Bool)
        /// Whether a limit, with its sustained part, is in shadow; nil = the quota.
        case shadow(limit: String?)
    }

    public enum Value: Hashable, Sendable {
        /// −1 = unlimited.
        case amount(Int64)
        /// `rate` units per `per` µs, at most `burst` at once.
        case rate(Int64, per: Int64, burst: Int64)
        case isOn(Bool)
    }

    public let what: What
    public let value: Value

    /// Returns nil when the value is of another kind, or out of its range.
    public init?(_ what: What, _ value: Value) {
        switch (what, value) {
        case (.limit(let name, _), .rate(let rate, let per, let burst)):
            let window = RateLimit(id: LimitID(rawValue: 0), rate: rate, per: per, burst: burst)
            guard LimitID.isName(name), RateLimit.rates.contains(rate), per >= 1_000,
                window != nil
            else { return nil }
        case (.shadow(let name), .isOn):
            guard name.map(LimitID.isName) ?? true else { return nil }
        case (.quota, .amount(let amount)), (.users, .amount(let amount)),
            (.patients, .amount(let amount)), (.storage, .amount(let amount)):
            guard (-1...CounterValue.countMax).contains(amount) else { return nil }
        default: return nil
        }
        (self.what, self.value) = (what, value)
    }
}

// MARK: As text

extension ClinicOverride.What: CustomStringConvertible {
    /// `quota`, `users`, `patients`, `storage`, `limit:export`, `limit:export.sustained`,
    /// `shadow:quota` or `shadow:limit:export`.
    public init?(_ text: String) {
        switch text {
        case "quota": self = .quota
        case "users": self = .users
        case "patients": self = .patients
        case "storage": self = .storage
        case "shadow:quota": self = .shadow(limit: nil)
        default:
            if text.hasPrefix("shadow:limit:") {
                let name = String(text.dropFirst("shadow:limit:".count))
                guard LimitID.isName(name) else { return nil }
                self = .shadow(limit: name)
                return
            }
            guard text.hasPrefix("limit:") else { return nil }
            let name = text.dropFirst("limit:".count)
            let isSustained = name.hasSuffix(".sustained")
            let plain = String(isSustained ? name.dropLast(".sustained".count) : name)
            guard LimitID.isName(plain) else { return nil }
            self = .limit(plain, isSustained: isSustained)
        }
    }

    public var description: String {
        switch self {
        case .quota: "quota"
        case .users: "users"
        case .patients: "patients"
        case .storage: "storage"
        case .limit(let name, let isSustained): "limit:\(name)" + (isSustained ? ".sustained" : "")
        case .shadow(let name): "shadow:" + (name.map { "limit:\($0)" } ?? "quota")
        }
    }
}

extension ClinicOverride.Value: CustomStringConvertible {
    /// `2000000` or `unlimited`; for a limit `40/1s`, or with a burst of its own `40/1s/120`; for a
    /// shadow `on` or `off`.
    public init?(_ text: String) {
        switch text {
        case "unlimited":
            self = .amount(-1)
            return
        case "on", "off":
            self = .isOn(text == "on")
            return
        default: break
        }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let number = Int64(first), first.first != "+" else {
            return nil
        }
        guard parts.count > 1 else {
            self = .amount(number)
            return
        }
        guard parts.count <= 3, let per = Duration(text: parts[1]),
            let burst = parts.count == 3 ? Int64(parts[2]) : number
        else { return nil }
        self = .rate(number, per: per.wholeMicroseconds, burst: burst)
    }

    public var description: String {
        switch self {
        case .isOn(let isOn): isOn ? "on" : "off"
        case .amount(-1): "unlimited"
        case .amount(let amount): "\(amount)"
        case .rate(let rate, let per, let burst):
            "\(rate)/\(Self.length(per))" + (burst == rate ? "" : "/\(burst)")
        }
    }

    /// The largest unit that divides it; 1,500 ms is `1500ms`.
    private static func length(_ microseconds: Int64) -> String {
        let units: [(String, Int64)] = [
            ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000),
        ]
        let unit = units.first { microseconds.isMultiple(of: $0.1) } ?? ("ms", 1_000)
        return "\(microseconds / unit.1)\(unit.0)"
    }
}

// MARK: In force

extension PlanFeatures {
    /// The plan with the windows and shadows that overrides name. An override of a limit that the
    /// plan lacks has no effect: it changes a promise and makes none.
    public func with(_ overrides: [ClinicOverride]) -> PlanFeatures {
        guard !overrides.isEmpty else { return self }
        var windows: [LimitID: RateLimit] = [:]
        var shadows: [String?: Bool] = [:]
        for override in overrides {
            switch (override.what, override.value) {
            case (.limit(let name, let isSustained), .rate(let rate, let per, let burst)):
                let id = LimitID(group: LimitID.group(of: name), window: isSustained ? 1 : 0)
                windows[id] = RateLimit(id: id, rate: rate, per: per, burst: burst)
            case (.shadow(let name), .isOn(let isOn)): shadows[name] = isOn
            default: continue
            }
        }
        let limits = limits.map { limit in
            Limit(
                name: limit.name, windows: limit.windows.map { windows[$0.id] ?? $0 },
                isInShadow: shadows[limit.name] ?? limit.isInShadow, concurrent: limit.concurrent,
                onOutage: limit.onOutage)
        }
        return PlanFeatures(
            limits: limits, quota: quota, storageBytes: storageBytes,
            isQuotaInShadow: shadows[nil] ?? isQuotaInShadow)
    }
}
