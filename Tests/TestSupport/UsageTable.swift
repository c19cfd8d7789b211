/// A report in CSV, read back. Two months may follow each other, each with its header.
public struct UsageTable {
    private static let header =
        "month,clinic_id,subdomain,name,plan,payment_status,users,max_users,patients,"
        + "max_patients,api_calls,api_calls_included,storage_used,storage_included,users_percent,"
        + "patients_percent,api_calls_percent,storage_percent,storage_peak,open_attention,drift,"
        + "findings"

    private let rows: [[String: String]]

    /// Names of the tests hold no comma and no quote, so a row is split as it is.
    public init(csv: String) throws {
        let columns = Self.header.split(separator: ",").map(String.init)
        let lines = csv.split(separator: "\n").map(String.init)
        guard lines.first == Self.header else {
            throw TestFailure("a report in CSV begins with its header, not \(lines.first ?? "")")
        }
        rows = try lines.filter { $0 != Self.header }.map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == columns.count else {
                throw TestFailure("a row has \(columns.count) fields: \(line)")
            }
            return Dictionary(uniqueKeysWithValues: zip(columns, fields.map(String.init)))
        }
    }

    /// The calls of each clinic, named by a column, over all months.
    public func calls(by column: String) throws -> [String: Int] {
        var calls: [String: Int] = [:]
        for row in rows {
            guard let name = row[column], let count = row["api_calls"].flatMap({ Int($0) }) else {
                throw TestFailure("a row has a \(column) and a number of calls: \(row)")
            }
            calls[name, default: 0] += count
        }
        return calls
    }
}
