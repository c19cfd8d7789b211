/// One object of a plan's JSON, read strictly: a key that is not known here is refused.
///
/// Limits belong to Quotas and prices to Billing, which do not know each other; each reads its own
/// keys through this, and the keys of both are listed here once.
public struct PlanObject: Hashable, Sendable {
    public let path: String
    private let members: [JSON.Member]

    /// The keys of `metering`. Raise `languageVersion` with every change that lets a program read
    /// more.
    public static let keys = ["limits", "quota", "storage_bytes", "billing", "dunning"]
    /// What a program with a lower number refused is tried again by one with a higher.
    public static let languageVersion: Int64 = 2
    /// The longest text of the key `metering`.
    public static let bytesMax = 16_384

    /// The key `metering` of a plan's features.
    public init(metering text: String) throws(PlanError) {
        let json: JSON
        do {
            json = try JSON(text, bytesMax: Self.bytesMax)
        } catch {
            let path = (["metering"] + error.path).joined(separator: ".")
            let isTwice = error.problem == "is named twice"
            throw PlanError(
                path: isTwice ? path : "metering",
                problem: isTwice ? error.problem : "is not readable: \(error)")
        }
        try self.init(json, path: "metering", known: Self.keys)
    }

    public init(_ json: JSON, path: String, known: [String]) throws(PlanError) {
        guard case .object(let members) = json else {
            throw PlanError(path: path, problem: "is \(json.kind), not an object")
        }
        if let unknown = members.map(\.key).filter({ !known.contains($0) }).min() {
            throw PlanError(
                path: "\(path).\(unknown)",
                problem: "is unknown; known are \(known.joined(separator: ", "))")
        }
        (self.path, self.members) = (path, members)
    }

    /// What a key holds; nil when it is missing or null.
    public func value(_ key: String) -> JSON? {
        let value = members.first { $0.key == key }?.value
        return value == .null ? nil : value
    }

    public func object(_ key: String, known: [String]) throws(PlanError) -> PlanObject? {
        guard let json = value(key) else { return nil }
        return try PlanObject(json, path: path(key), known: known)
    }

    /// The members of an object whose keys are names, by name.
    public func named(_ key: String) throws(PlanError) -> [JSON.Member] {
        guard let json = value(key) else { return [] }
        guard case .object(let members) = json else {
            throw error(key, "is \(json.kind), not an object")
        }
        return members.sorted { $0.key < $1.key }
    }

    public func list(_ key: String, most: Int) throws(PlanError) -> [JSON]? {
        guard let json = value(key) else { return nil }
        guard case .list(let elements) = json else {
            throw error(key, "is \(json.kind), not a list")
        }
        guard elements.count <= most else {
            throw error(key, "has \(elements.count) entries; at most \(most) are read")
        }
        return elements
    }

    public func text(_ key: String) throws(PlanError) -> String? {
        guard let json = value(key) else { return nil }
        guard case .text(let text) = json else { throw error(key, "is \(json.kind), not a string") }
        return text
    }

    public func flag(_ key: String) throws(PlanError) -> Bool? {
        guard let json = value(key) else { return nil }
        guard case .bool(let flag) = json else {
            throw error(key, "is \(json.kind): write true or false")
        }
        return flag
    }

    public func whole(_ key: String, in range: ClosedRange<Int64>) throws(PlanError) -> Int64? {
        guard let json = value(key) else { return nil }
        return try Self.whole(json, in: range, path: path(key))
    }

    /// A count of 0 or more; nil for −1, null and a missing key: unlimited.
    public func amount(_ key: String) throws(PlanError) -> Int64? {
        guard let json = value(key), json != .number("-1") else { return nil }
        let most: Int64 = 9_007_199_254_740_991
        guard case .number(let digits) = json, let amount = Int64(digits),
            (0...most).contains(amount)
        else { throw error(key, "is \(json): write 0 or more, or -1 for unlimited") }
        return amount
    }

    /// A whole number inside its range, written without point or exponent.
    public static func whole(
        _ json: JSON, in range: ClosedRange<Int64>, path: String
    ) throws(PlanError) -> Int64 {
        guard case .number(let digits) = json else {
            throw PlanError(path: path, problem: "is \(json.kind), not a whole number")
        }
        guard let number = Int64(digits), range.contains(number) else {
            let rest = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
            throw PlanError(
                path: path,
                problem: "is \(digits): write \(range.lowerBound) \(rest)")
        }
        return number
    }

    /// What a key must have and lacks.
    public func missing(_ key: String) -> PlanError { error(key, "is missing") }

    public func error(_ key: String, _ problem: String) -> PlanError {
        PlanError(path: path(key), problem: problem)
    }

    public func path(_ key: String) -> String { "\(path).\(key)" }
}
