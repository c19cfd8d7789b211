import Metering

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
