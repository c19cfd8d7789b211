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

/// A file of plans: one object, or a list of them.
///
/// ```json
/// {"name": "Practice", "max_users": 25, "max_patients": 10000,
///  "features": {"metering": {"quota": {"api_calls": 500000}}}}
/// ```
public struct PlanFile: Hashable, Sendable {
    public let plans: [PlanDraft]
    /// What is wrong, a line each, with the plan's name; empty when every plan is good.
    public let problems: [String]

    /// The longest file that is read.
    public static let bytesMax = 1_048_576
    static let plansMax = 1_000

    public init(_ bytes: [UInt8]) {
        let objects: [JSON]
        do throws(JSONFault) {
            let json = try JSON(bytes: bytes, bytesMax: Self.bytesMax)
            if case .list(let list) = json { objects = list } else { objects = [json] }
        } catch {
            (plans, problems) = ([], ["\(error)"])
            return
        }
        guard (1...Self.plansMax).contains(objects.count) else {
            (plans, problems) = ([], ["has \(objects.count) plans; 1 to \(Self.plansMax) are read"])
            return
        }
        var plans: [PlanDraft] = []
        var problems: [String] = []
        for (place, json) in objects.enumerated() {
            do throws(PlanError) {
                let plan = try PlanDraft(json)
                if plans.contains(where: { $0.name == plan.name }) {
                    problems.append("plan \(plan.name.debugDescription): is there twice")
                }
                plans.append(plan)
            } catch {
                var name = "number \(place + 1)"
                if case .text(let text)? = json["name"] { name = text.debugDescription }
                problems.append("plan \(name): \(error)")
            }
        }
        (self.plans, self.problems) = (plans, problems)
    }
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
