import FoundationEssentials
import Metering

extension PlanFeatures {
    /// Reads the text of the key `metering`; nil means that the plan has none, so nothing is limited.
    public init(json text: String?) throws(PlanError) {
        guard let text else {
            self = .unlimited
            return
        }
        guard text.utf8.count <= 16_384 else {
            throw PlanError(path: "metering", problem: "is longer than 16 KiB")
        }
        let document: PlanDocument
        do {
            document = try JSONDecoder().decode(PlanDocument.self, from: Data(text.utf8))
        } catch {
            throw PlanError(decoding: error)
        }
        try self.init(document)
    }

    private init(_ document: PlanDocument) throws(PlanError) {
        var limits: [Limit] = []
        for (name, limit) in document.limits.sorted(by: { $0.key < $1.key }) {
            limits.append(try Limit(name: name, limit))
        }
        let groups = Dictionary(grouping: limits) { LimitID.group(of: $0.name) }
        if let clash = groups.values.first(where: { $0.count > 1 }) {
            throw PlanError(
                path: "metering.limits.\(clash[1].name)",
                problem: "has the same number as \(clash[0].name): rename one of them")
        }
        self.init(limits: limits, quota: document.quota, storageBytes: document.storageBytes)
        guard rateLimits.count <= CounterValue.limitsMax else {
            throw PlanError(
                path: "metering.limits",
                problem: "has \(rateLimits.count) windows; a plan has at most 8")
        }
    }
}

extension PlanFeatures.Limit {
    fileprivate init(name: String, _ limit: PlanDocument.Limit) throws(PlanError) {
        let path = "metering.limits.\(name)"
        let letters = name.utf8.allSatisfy {
            (97...122).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 45
        }
        guard (1...40).contains(name.utf8.count), letters else {
            throw PlanError(
                path: path, problem: "is not a name: use 1 to 40 of a–z, 0–9, _ and -")
        }
        guard LimitCounter(rawValue: name) == nil else {
            throw PlanError(path: path, problem: "has a name that the database's own limits have")
        }
        let group = LimitID.group(of: name)
        var windows = [
            try limit.window.rateLimit(LimitID(group: group, window: 0), path: path)
        ]
        if let sustained = limit.sustained {
            windows.append(
                try sustained.rateLimit(
                    LimitID(group: group, window: 1), path: path + ".sustained"))
        }
        self.init(name: name, windows: windows)
    }
}

/// The JSON as written, with unknown keys refused.
private struct PlanDocument: Decodable {
    struct Window {
        let rate: Int64
        let per: String
        let burst: Int64?
    }
    struct Limit: Decodable {
        let window: Window
        let sustained: Window?
    }
    var limits: [String: Limit] = [:]
    var quota: Int64?
    var storageBytes: Int64?

    init(from decoder: any Decoder) throws {
        let object = try decoder.strictContainer(["limits", "quota", "storage_bytes"])
        limits = try object.decodeIfPresent([String: Limit].self, forKey: "limits") ?? [:]
        if object.contains("quota"), try !object.decodeNil(forKey: "quota") {
            let quotas = try object.superDecoder(forKey: "quota").strictContainer(["api_calls"])
            quota = try quotas.amount(forKey: "api_calls")
        }
        storageBytes = try object.amount(forKey: "storage_bytes")
    }
}

extension PlanDocument.Limit {
    init(from decoder: any Decoder) throws {
        let object = try decoder.strictContainer(["rate", "per", "burst", "sustained"])
        window = try PlanDocument.Window(object)
        sustained =
            object.contains("sustained")
            ? try PlanDocument.Window(
                object.superDecoder(forKey: "sustained").strictContainer(["rate", "per", "burst"]))
            : nil
    }
}

extension PlanDocument.Window {
    fileprivate init(_ object: KeyedDecodingContainer<AnyKey>) throws {
        rate = try object.decode(Int64.self, forKey: "rate")
        per = try object.decode(String.self, forKey: "per")
        burst = try object.decodeIfPresent(Int64.self, forKey: "burst")
    }

    func rateLimit(_ id: LimitID, path: String) throws(PlanError) -> RateLimit {
        guard let period = Duration(text: per), period >= .milliseconds(1) else {
            throw PlanError(
                path: path + ".per", problem: "is \(per.debugDescription): write 1s, 1m, 1h or 1d")
        }
        guard (1...1_000_000_000).contains(rate) else {
            throw PlanError(path: path + ".rate", problem: "is \(rate): write 1 to 1000000000")
        }
        let most = burst ?? rate
        guard most >= 1 else {
            throw PlanError(path: path + ".burst", problem: "is \(most): write 1 or more")
        }
        guard
            let limit = RateLimit(
                id: id, rate: rate, per: period.wholeMicroseconds, burst: most)
        else {
            throw PlanError(
                path: path, problem: "takes more than four years to fill: lower burst or per")
        }
        return limit
    }
}

// MARK: Strict decoding

private struct AnyKey: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init(stringLiteral value: String) { stringValue = value }
    init?(intValue: Int) { nil }
}

extension Decoder {
    fileprivate func strictContainer(
        _ known: [String]
    ) throws -> KeyedDecodingContainer<AnyKey> {
        let object = try container(keyedBy: AnyKey.self)
        let unknown = object.allKeys.map(\.stringValue).filter { !known.contains($0) }.sorted()
        if let key = unknown.first {
            let path = codingPath.map(\.stringValue) + [key]
            throw PlanError(
                path: (["metering"] + path).joined(separator: "."),
                problem: "is not known here; known are \(known.joined(separator: ", "))")
        }
        return object
    }
}

extension KeyedDecodingContainer<AnyKey> {
    /// A count of 0 or more, or nil for −1, null and a missing key: unlimited.
    fileprivate func amount(forKey key: AnyKey) throws -> Int64? {
        guard let amount = try decodeIfPresent(Int64.self, forKey: key), amount != -1 else {
            return nil
        }
        guard (0...CounterValue.countMax).contains(amount) else {
            let path = codingPath.map(\.stringValue) + [key.stringValue]
            throw PlanError(
                path: (["metering"] + path).joined(separator: "."),
                problem: "is \(amount): write 0 or more, or -1 for unlimited")
        }
        return amount
    }
}

extension PlanError {
    fileprivate init(decoding error: any Error) {
        switch error {
        case let error as PlanError: self = error
        case DecodingError.keyNotFound(let key, let context):
            self.init(context.codingPath + [key], "is missing")
        case DecodingError.typeMismatch(let type, let context):
            self.init(context.codingPath, "is not \(Self.kind(type))")
        case DecodingError.valueNotFound(let type, let context):
            self.init(context.codingPath, "is null, not \(Self.kind(type))")
        case DecodingError.dataCorrupted(let context):
            self.init(context.codingPath, "is not readable: \(context.debugDescription)")
        default: self.init(path: "metering", problem: "is not readable")
        }
    }

    private init(_ path: [any CodingKey], _ problem: String) {
        let names = ["metering"] + path.map(\.stringValue)
        self.init(path: names.joined(separator: "."), problem: problem)
    }

    private static func kind(_ type: any Any.Type) -> String {
        switch type {
        case is Int64.Type: "a whole number"
        case is String.Type: "a text"
        default: "an object"
        }
    }
}
