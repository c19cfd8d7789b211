import Synchronization

/// Names of limits by their numbers, learnt from every plan that was read.
public final class LimitNames: Sendable {
    private let names = Mutex<[UInt16: String]>([LimitID.defaultGroup: LimitID.defaultName])

    public init() {}

    public func learn(_ plan: PlanFeatures) {
        for limit in plan.limits { learn(limit.name) }
    }

    /// A name that was asked and found is known from then on. At most 16,384 can exist.
    func learn(_ name: String) {
        names.withLock { $0[LimitID.group(of: name)] = name }
    }

    /// `default`, `default.sustained`; a limit of a plan nobody read here is shown as `limit-8364`.
    func name(of id: LimitID) -> String {
        let name = names.withLock { $0[id.group] } ?? "limit-\(id.group)"
        return id.window == 0 ? name : name + ".sustained"
    }
}
