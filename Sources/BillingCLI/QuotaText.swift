import Ledger
import Metering
import Quotas
import Values

/// What `billing quota explain` prints.
struct QuotaText {
    let clinic: ClinicID
    let origin: TermsProvenance
    let capacity: ClinicCapacity?

    var text: String {
        var table = TextTable(["limit", "used", "of", "frees", "from"])
        for row in rates + [quota] + capacities { table.add(row) }
        return """
            clinic   \(clinic)
            standing \(origin.standing ?? "none")
            month    \(origin.stored.month)

            \(table.text)
            """
    }

    private var rates: [[String]] {
        guard let settings = try? origin.stored.terms(), let plan = settings.plan else {
            return []
        }
        return plan.limits.flatMap { limit in
            limit.windows.map { window in
                let name = limit.name + (window.id.window == 0 ? "" : ".sustained")
                let one = milliseconds(window.emission)
                let all = milliseconds(window.tolerance)
                return [
                    name, "see worker", "\(window.burst)", "1 in \(one), all in \(all)",
                    from("limit:\(name)"),
                ]
            }
        }
    }

    private var quota: [String] {
        let stored = origin.stored
        let limit = (try? stored.terms().quota) ?? stored.plan?.quota ?? -1
        let ends = UTCTime(microseconds: stored.month.end).map { "\($0)" } ?? ""
        return ["quota", "\(used)", limit < 0 ? "unlimited" : "\(limit)", ends, from("quota")]
    }

    /// Units of the month; a sum beyond `Int64` becomes its bound.
    private var used: Int64 {
        origin.stored.ledger.values.reduce(origin.stored.adjustments) { sum, units in
            let (total, overflow) = sum.addingReportingOverflow(units)
            return overflow ? (sum < 0 ? .min : .max) : total
        }
    }

    private var capacities: [[String]] {
        guard let capacity else { return [] }
        return LimitCounter.allCases.map { counter in
            let share = capacity[counter]
            return [
                counter.rawValue, "\(share.used)", share.limit.map { "\($0)" } ?? "unlimited",
                capacity.isEnforced ? "" : "not enforced", from(counter.rawValue),
            ]
        }
    }

    private func from(_ what: String) -> String {
        switch origin.source(of: what) {
        case .none: return "no subscription"
        case .plan(let name, let version):
            return "plan \(name)" + (version.map { ", version \($0)" } ?? "")
        case .override(let entry):
            let until = UTCTime(microseconds: entry.until).map { "\($0)" } ?? "?"
            return "override \(entry.id) until \(until): \(entry.reason)"
        }
    }

    private func milliseconds(_ microseconds: Int64) -> String {
        "\(Duration.microseconds(microseconds))"
    }
}
