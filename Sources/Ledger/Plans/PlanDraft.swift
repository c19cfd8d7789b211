import Billing
public import Metering
import Quotas

/// A plan as a file describes it.
public struct PlanDraft: Hashable, Sendable {
    public let name: String
    /// −1 = unlimited.
    public let maxUsers: Int64
    public let maxPatients: Int64
    /// An object. Its key `metering` was read and is good; the others are the application's.
    public let features: JSON

    var metering: JSON? { features["metering"] }
}

extension PlanDraft {
    init(_ json: JSON) throws(PlanError) {
        let plan = try PlanObject(
            json, path: "plan", known: ["name", "max_users", "max_patients", "features"])
        guard let name = try plan.text("name") else { throw plan.missing("name") }
        let isPlain = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard (1...50).contains(name.unicodeScalars.count), isPlain else {
            throw plan.error("name", "has to have 1 to 50 characters on one line")
        }
        let people: ClosedRange<Int64> = -1...Int64(Int32.max)
        guard let maxUsers = try plan.whole("max_users", in: people) else {
            throw plan.missing("max_users")
        }
        guard let maxPatients = try plan.whole("max_patients", in: people) else {
            throw plan.missing("max_patients")
        }
        guard let features = plan.value("features") else { throw plan.missing("features") }
        guard case .object = features else {
            throw plan.error("features", "is \(features.kind), not an object")
        }
        (self.name, self.maxUsers, self.maxPatients) = (name, maxUsers, maxPatients)
        self.features = features
        guard let metering else { return }
        let read = try PlanObject(metering: metering.description)
        _ = try PlanFeatures(read)
        _ = try PlanTerms(read)
    }
}
