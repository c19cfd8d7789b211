import Ledger
import Metering

/// The output of `rollup`, as text or as one JSON object that is written as the rows come.
struct RollupReport {
    let format: OutputFormat
    let isDryRun: Bool
    private var isFirstMonth = true
    private var isFirstChange = true

    init(format: OutputFormat, isDryRun: Bool) {
        self.format = format
        self.isDryRun = isDryRun
    }

    func begin() -> String { format == .json ? "{\"dry_run\":\(isDryRun),\"months\":[" : "" }

    mutating func begin(_ month: Month) -> String {
        defer { isFirstMonth = false }
        isFirstChange = true
        guard format == .json else { return "" }
        return (isFirstMonth ? "\n" : ",\n") + "{\"month\":\"\(month)\",\"changes\":["
    }

    mutating func change(_ change: UsageChange) -> String {
        defer { isFirstChange = false }
        let (before, after) = (change.before, change.after)
        switch format {
        case .text:
            let calls = before.map { "\($0.apiCalls)" } ?? "no row"
            let bytes = before.map { "\($0.storageUsed)" } ?? "no row"
            return "\(change.month) \(change.clinic) api_calls \(calls) -> \(after.apiCalls)"
                + " storage_used \(bytes) -> \(after.storageUsed)\n"
        case .json:
            return (isFirstChange ? "\n" : ",\n")
                + "{\"clinic_id\":\"\(change.clinic)\",\"before\":"
                + (before.map(Self.json) ?? "null") + ",\"after\":\(Self.json(after))}"
        }
    }

    func end(_ month: MonthRollup) -> String {
        switch format {
        case .text:
            var line = "\(month.month): \(month.examined) clinics, \(month.written) rows "
            line += isDryRun ? "would change" : "written"
            if month.ownerless > 0 { line += ", \(month.ownerless) deleted clinics left out" }
            if month.tooLarge > 0 {
                line += ", \(month.tooLarge) too large for INT: metering-worker migrate --rewrite"
            }
            if month.closedBuckets > 0 { line += ", \(month.closedBuckets) of 64 parts closed" }
            return line + "\n"
        case .json:
            return "],\"clinics\":\(month.examined),\"rows\":\(month.written),"
                + "\"deleted_clinics\":\(month.ownerless),\"too_large\":\(month.tooLarge),"
                + "\"closed_parts\":\(month.closedBuckets)}"
        }
    }

    func end() -> String {
        switch format {
        case .text: isFirstMonth ? "nothing to do\n" : ""
        case .json: "\n]}\n"
        }
    }

    private static func json(_ usage: UsageChange.Usage) -> String {
        "{\"api_calls\":\(usage.apiCalls),\"storage_used\":\(usage.storageUsed)}"
    }
}
