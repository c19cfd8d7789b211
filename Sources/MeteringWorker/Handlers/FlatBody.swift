import HTTPServer
import Metering
import Quotas

/// A body of one flat object whose fields are known by name.
struct FlatBody {
    private let members: [String: FlatJSON.Value]

    /// - Parameter known: Every allowed field, in alphabetical order.
    init(_ body: [UInt8], known: [String]) throws(Problem) {
        let read: [(key: String, value: FlatJSON.Value)]
        do {
            read = try FlatJSON.read(body)
        } catch {
            throw .badRequest("\(error.problem) (at byte \(error.offset))")
        }
        if let unknown = read.first(where: { !known.contains($0.key) })?.key {
            throw .badRequest(
                "unknown field \(String(unknown.prefix(40)).debugDescription); known are "
                    + known.joined(separator: ", "))
        }
        members = Dictionary(
            read.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    func clinic() throws(Problem) -> ClinicID {
        guard let value = members["clinic_id"] else { throw .badRequest("clinic_id is missing") }
        guard case .string(let text) = value, let clinic = ClinicID(text) else {
            throw .badRequest("clinic_id is not a UUID of 36 characters")
        }
        return clinic
    }

    /// A text of 1 to `most` bytes; nil when it is missing.
    func text(_ key: String, most: Int) throws(Problem) -> String? {
        guard let value = members[key] else { return nil }
        guard case .string(let text) = value, (1...most).contains(text.utf8.count) else {
            throw .badRequest("\(key) is not a text of 1 to \(most) bytes")
        }
        return text
    }

    /// A whole number; nil when it is missing.
    func whole(_ key: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let value = members[key] else { return nil }
        guard case .integer(let number) = value, range.contains(number) else {
            throw .badRequest(
                "\(key) is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Whether the call declares that it writes.
    func writes() throws(Problem) -> Bool {
        switch members["access"] {
        case nil, .string("read"): return false
        case .string("write"): return true
        default: throw .badRequest("access is not \"read\" or \"write\"")
        }
    }

    /// The name of a limit of calls.
    func limit() throws(Problem) -> String {
        let name = try text("limit", most: 40) ?? LimitID.defaultName
        guard LimitCounter(rawValue: name) == nil else {
            throw .badRequest("limit \(name) is kept by the database and cannot be reserved here")
        }
        return name
    }
}
