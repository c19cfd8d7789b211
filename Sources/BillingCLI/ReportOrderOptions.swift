import ArgumentParser
import Billing
import Reports
import Shell

/// `--sort`, `--descending` and `--top`.
struct ReportOrderOptions {
    let sort: String?
    let descending: Bool
    let top: Int64?

    /// The column and the direction; `sort` may begin with `-`.
    var order: ReportOrder {
        guard let sort else { return ReportOrder(top: top) }
        let isTurned = sort.hasPrefix("-")
        return ReportOrder(
            column: isTurned ? String(sort.dropFirst()) : sort,
            isDescending: isTurned || descending, top: top)
    }

    /// Refuses options that cannot be combined.
    func check(_ command: ReportCommand) throws {
        if command.diff != nil, command.groupBy != nil {
            throw ValidationError("give --diff or --group-by, not both: --diff compares clinics")
        }
        if command.format == .html, command.diff != nil || command.groupBy != nil {
            throw ValidationError(
                "--format html takes no --diff or --group-by; its charts sum by plan and month"
            )
        }
        if command.groupBy == .month, sort != nil || top != nil || descending {
            throw ValidationError(
                "--group-by month takes no --sort or --top: months are in order")
        }
        if descending, sort?.hasPrefix("-") ?? true {
            throw ValidationError("--descending needs --sort COLUMN; or write --sort -COLUMN")
        }
        try checkColumn(command)
    }

    private func checkColumn(_ command: ReportCommand) throws {
        guard sort != nil else { return }
        let columns =
            if command.diff != nil {
                ReportSorting.differences
            } else if command.groupBy != nil {
                ReportSorting.groups
            } else {
                ReportSorting.rows
            }
        guard columns.contains(order.column) else {
            throw ValidationError("--sort takes one of: \(columns.joined(separator: ", "))")
        }
    }
}
