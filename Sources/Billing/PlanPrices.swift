public import Metering

/// The prices of a plan, from `metering.billing`. This package stores them and charges nothing.
///
/// ```json
/// {"currency": "EUR", "base": "99.00",
///  "api_calls": {"included": 500000, "model": "graduated", "unit": 1000, "cap": "200.00",
///                "tiers": [{"up_to": 500000, "price": "0.40"}, {"up_to": null, "price": "0.25"}]},
///  "storage": {"model": "unit", "unit": 1073741824, "price": "0.02", "basis": "peak"}}
/// ```
public struct PlanPrices: Hashable, Sendable {
    public let currency: Currency
    /// Of one month, whatever is used.
    public let base: Money
    public let apiCalls: Charge?
    public let storage: Charge?
    public let storageBasis: StorageBasis

    /// Which bytes of a month are charged.
    public enum StorageBasis: String, CaseIterable, Sendable {
        case monthEnd = "month_end"
        case peak
    }

    /// What is charged for use beyond what is included.
    public struct Charge: Hashable, Sendable {
        public let included: Int64
        /// How many are priced together: 1,000 calls, 1,073,741,824 bytes; 1 or more.
        public let unit: Int64
        public let model: Model
        /// The most that a month costs; nil = no bound.
        public let cap: Money?
    }

    public enum Model: Hashable, Sendable {
        /// A partly used unit costs that part of the price.
        case unit(UnitPrice)
        /// A started unit costs its whole price.
        case package(UnitPrice)
        /// Each unit costs the price of the tier that it falls into.
        case graduated([Tier])
        /// All units cost the price of the tier that their sum reaches.
        case volume([Tier])
    }

    public struct Tier: Hashable, Sendable {
        /// Of the use beyond what is included; nil in the last tier alone.
        public let upTo: Int64?
        public let price: UnitPrice
    }

    static let tiersMax = 32
}

extension PlanPrices {
    /// - Parameter plan: The key `metering`.
    /// - Returns: nil when the plan says nothing of prices.
    public init?(_ plan: PlanObject) throws(PlanError) {
        guard
            let prices = try plan.object(
                "billing", known: ["currency", "base", "api_calls", "storage"])
        else { return nil }
        guard let code = try prices.text("currency") else { throw prices.missing("currency") }
        guard let currency = Currency(code: code) else {
            throw prices.error(
                "currency",
                "is \(code.debugDescription): write a code of ISO 4217 such as EUR")
        }
        self.currency = currency
        base = try prices.money("base", currency) ?? Money(minor: 0, currency: currency)
        let known = ["included", "unit", "model", "price", "tiers", "cap"]
        apiCalls = try prices.object("api_calls", known: known).map { (charge) throws(PlanError) in
            try Charge(charge, currency)
        }
        let stored = try prices.object("storage", known: known + ["basis"])
        storage = try stored.map { (charge) throws(PlanError) in try Charge(charge, currency) }
        guard let basis = try stored?.text("basis") else {
            storageBasis = .monthEnd
            return
        }
        guard let known = StorageBasis(rawValue: basis) else {
            throw PlanError(
                path: "metering.billing.storage.basis",
                problem: "is \(basis.debugDescription): write month_end or peak")
        }
        storageBasis = known
    }
}

extension PlanPrices.Charge {
    init(_ charge: PlanObject, _ currency: Currency) throws(PlanError) {
        included = try charge.whole("included", in: 0...Self.most) ?? 0
        unit = try charge.whole("unit", in: 1...Self.most) ?? 1
        model = try PlanPrices.Model(charge)
        cap = try charge.money("cap", currency)
    }

    /// As for every count: 2^53 − 1.
    static let most: Int64 = 9_007_199_254_740_991
}

extension PlanPrices.Model {
    init(_ charge: PlanObject) throws(PlanError) {
        guard let name = try charge.text("model") else { throw charge.missing("model") }
        switch name {
        case "unit": self = .unit(try Self.price(charge, name))
        case "package": self = .package(try Self.price(charge, name))
        case "graduated": self = .graduated(try Self.tiers(charge, name))
        case "volume": self = .volume(try Self.tiers(charge, name))
        default:
            throw charge.error(
                "model", "is \(name.debugDescription): write unit, package, graduated or volume")
        }
    }

    private static func price(
        _ charge: PlanObject, _ model: String
    ) throws(PlanError) -> UnitPrice {
        guard charge.value("tiers") == nil else {
            throw charge.error("tiers", "has no meaning in the model \(model), which has one price")
        }
        guard let price = try charge.price("price") else { throw charge.missing("price") }
        return price
    }

    private static func tiers(
        _ charge: PlanObject, _ model: String
    ) throws(PlanError) -> [PlanPrices.Tier] {
        guard charge.value("price") == nil else {
            throw charge.error("price", "has no meaning in the model \(model), which has tiers")
        }
        let given = try charge.list("tiers", most: PlanPrices.tiersMax) ?? []
        guard !given.isEmpty else { throw charge.missing("tiers") }
        var tiers: [PlanPrices.Tier] = []
        for (place, json) in given.enumerated() {
            let tier = try PlanObject(
                json, path: "\(charge.path("tiers")).\(place)", known: ["up_to", "price"])
            let lowest = (tiers.last?.upTo ?? 0) + 1
            let upTo = try tier.whole("up_to", in: lowest...PlanPrices.Charge.most)
            let isLast = place == given.count - 1
            guard (upTo == nil) == isLast else {
                throw tier.error(
                    "up_to", isLast ? "is not null: the last tier has no end" : "is missing")
            }
            guard let price = try tier.price("price") else { throw tier.missing("price") }
            tiers.append(PlanPrices.Tier(upTo: upTo, price: price))
        }
        return tiers
    }
}

extension PlanObject {
    fileprivate func money(_ key: String, _ currency: Currency) throws(PlanError) -> Money? {
        guard let text = try decimal(key) else { return nil }
        guard let money = Money(text, currency: currency) else {
            let digits =
                currency.exponent == 0
                ? "no decimal places" : "at most \(currency.exponent) decimal places"
            throw error(
                key,
                "is \(text.debugDescription): write an amount of \(currency.code) with \(digits)"
            )
        }
        return money
    }

    fileprivate func price(_ key: String) throws(PlanError) -> UnitPrice? {
        guard let text = try decimal(key) else { return nil }
        guard let price = UnitPrice(text) else {
            throw error(
                key,
                "is \(text.debugDescription): write a price with at most 12 decimal places"
            )
        }
        return price
    }

    /// Money is written as a text, because many programs read a number as a binary fraction.
    private func decimal(_ key: String) throws(PlanError) -> String? {
        guard case .number(let digits)? = value(key) else { return try text(key) }
        throw error(key, "is a number: write it in quotes, \"\(digits)\"")
    }
}
