import HTTPServer
import Metering
import Quotas

/// A check as an API server sends it, read from the body of `POST /v1/check`.
///
/// `{"clinic_id": "…", "cost": 1, "limit": "default", "mode": "consume", "access": "read"}`; only
/// `clinic_id` is needed. `mode` is `consume`, `peek`, `force` or `at_most`.
struct CheckCall: Equatable {
    var clinic: ClinicID
    var cost: Int64 = 1
    var limit = LimitID.defaultName
    var mode = CheckRequest.Mode.consume
    /// Whether the call writes; absent means that it reads.
    var writes = false
    /// The client's name for this call, under which it is counted once.
    var requestID: String?

    /// What the database counts, when the check is about that; then nothing is counted, and the
    /// mode is `consume` or `peek`.
    var counter: LimitCounter? { LimitCounter(rawValue: limit) }

    static let fields = ["access", "clinic_id", "cost", "limit", "mode", "request_id"]
    static let bodyBytesMax = 4096

    init(body: [UInt8]) throws(Problem) {
        let members: [(key: String, value: FlatJSON.Value)]
        do {
            members = try FlatJSON.read(body)
        } catch {
            throw .badRequest("\(error.problem) (at byte \(error.offset))")
        }
        try self.init(members: members)
    }

    init(members: [(key: String, value: FlatJSON.Value)]) throws(Problem) {
        var clinic: ClinicID?
        var cost = FlatJSON.Value.integer(1)
        var limit = LimitID.defaultName
        var mode = CheckRequest.Mode.consume
        var writes = false
        var requestID: String?
        for (key, value) in members {
            switch key {
            case "clinic_id": clinic = try Self.clinic(value)
            case "cost": cost = value
            case "limit": limit = try Self.limit(value)
            case "access": writes = try Self.writes(value)
            case "mode": mode = try Self.mode(value)
            case "request_id": requestID = try Self.requestID(value)
            default:
                let known = Self.fields.joined(separator: ", ")
                throw .badRequest(
                    "unknown field \(String(key.prefix(40)).debugDescription); known are \(known)")
            }
        }
        guard let clinic else { throw .badRequest("clinic_id is missing") }
        (self.clinic, self.limit, self.mode, self.writes) = (clinic, limit, mode, writes)
        self.cost = try Self.cost(cost, of: limit)
        if counter != nil, mode == .force || mode == .atMost {
            throw .badRequest("the database counts \(limit): leave mode out")
        }
        self.requestID = requestID
        if requestID != nil, mode == .peek || counter != nil {
            throw .badRequest("request_id is for calls that are counted, and this one is not")
        }
    }

    private static func requestID(_ value: FlatJSON.Value) throws(Problem) -> String {
        guard case .string(let name) = value, (1...CallID.nameBytesMax).contains(name.utf8.count)
        else {
            throw .badRequest("request_id is not a text of 1 to \(CallID.nameBytesMax) bytes")
        }
        return name
    }

    private static func clinic(_ value: FlatJSON.Value) throws(Problem) -> ClinicID {
        guard case .string(let text) = value, let clinic = ClinicID(text) else {
            throw .badRequest("clinic_id is not a UUID of 36 characters")
        }
        return clinic
    }

    /// Units of a call, or people, patients or bytes.
    private static func cost(
        _ value: FlatJSON.Value, of limit: String
    ) throws(Problem) -> Int64 {
        let costs = LimitCounter(rawValue: limit).map(CapacityAnswer.costs) ?? CheckRequest.costs
        guard case .integer(let cost) = value, costs.contains(cost) else {
            throw .badRequest("cost is not a whole number from 1 to \(costs.upperBound)")
        }
        return cost
    }

    private static func limit(_ value: FlatJSON.Value) throws(Problem) -> String {
        guard case .string(let name) = value, (1...40).contains(name.utf8.count) else {
            throw .badRequest("limit is not a name of 1 to 40 characters")
        }
        return name
    }

    private static func writes(_ value: FlatJSON.Value) throws(Problem) -> Bool {
        switch value {
        case .string("read"): return false
        case .string("write"): return true
        default: throw .badRequest("access is not \"read\" or \"write\"")
        }
    }

    private static func mode(_ value: FlatJSON.Value) throws(Problem) -> CheckRequest.Mode {
        switch value {
        case .string("consume"): return .consume
        case .string("peek"): return .peek
        case .string("force"): return .force
        case .string("at_most"): return .atMost
        default: throw .badRequest("mode is not \"consume\", \"peek\", \"force\" or \"at_most\"")
        }
    }
}
