import Postgres
import Quotas

extension ClinicOverride {
    /// - Parameters:
    ///   - amount: Units, people or bytes; for a rate limit units per period; for a shadow 1 = on.
    ///   - per: µs, for a rate limit.
    init?(stored what: String, amount: Int64, per: Int64, burst: Int64) {
        guard let what = What(what) else { return nil }
        switch what {
        case .limit: self.init(what, .rate(amount, per: per, burst: burst))
        case .shadow: self.init(what, .isOn(amount == 1))
        default: self.init(what, .amount(amount))
        }
    }
}

extension ClinicOverride.Value {
    /// value, rate, per, burst.
    var stored: [PostgresValue] {
        switch self {
        case .amount(let amount): [.int64(amount), .null, .null, .null]
        case .rate(let rate, let per, let burst): [.null, .int64(rate), .int64(per), .int64(burst)]
        case .isOn(let isOn): [.int64(isOn ? 1 : 0), .null, .null, .null]
        }
    }
}
