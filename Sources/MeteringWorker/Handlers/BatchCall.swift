import Admission
import HTTPServer
import Metering

/// The body of `POST /v1/checks`.
enum BatchCall {
    static let checksMax = QuotaGate.manyMax
    static let bodyBytesMax = 256 << 10

    /// Reads each check by itself; refuses the whole body only when it holds no list of checks.
    static func read(_ body: [UInt8]) throws(Problem) -> [Result<CheckCall, Problem>] {
        let json: JSON
        do {
            json = try JSON(bytes: body, bytesMax: bodyBytesMax)
        } catch {
            throw .badRequest("the body is not usable: \(error)")
        }
        guard case .object(let members) = json, members.count == 1, members[0].key == "checks",
            case .list(let checks) = members[0].value
        else { throw .badRequest(#"the body is not an object with one list, "checks""#) }
        guard (1...checksMax).contains(checks.count) else {
            throw .badRequest("checks holds \(checks.count) checks; 1 to \(checksMax) are taken")
        }
        return checks.map { check in Result { () throws(Problem) in try CheckCall(json: check) } }
    }
}

extension CheckCall {
    fileprivate init(json: JSON) throws(Problem) {
        guard case .object(let members) = json else {
            throw .badRequest("the check is not a JSON object")
        }
        var flat: [(key: String, value: FlatJSON.Value)] = []
        for member in members {
            guard let value = FlatJSON.Value(member.value) else {
                let key = String(member.key.prefix(40)).debugDescription
                throw .badRequest(
                    "the value of \(key) is not a text, a whole number, true, false or null")
            }
            flat.append((member.key, value))
        }
        try self.init(members: flat)
    }
}

extension FlatJSON.Value {
    fileprivate init?(_ json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .text(let text): self = .string(text)
        case .number(let digits):
            guard let number = Int64(digits) else { return nil }
            self = .integer(number)
        case .list, .object: return nil
        }
    }
}
