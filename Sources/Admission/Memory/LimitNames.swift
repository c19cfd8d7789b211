public import Quotas
import Synchronization

/// Names of limits by their numbers, learnt from every plan that this process read.
public final class LimitNames: Sendable {
    private struct State {
        var groups: [UInt16: String] = [LimitID.defaultGroup: LimitID.defaultName]
        /// Whole names by id, made once: every check needs those of all limits.
        var shown: [UInt16: String] = [:]

        mutating func name(of id: LimitID) -> String {
            if let name = shown[id.rawValue] { return name }
            let group = groups[id.group] ?? "limit-\(id.group)"
            let name = id.window == 0 ? group : group + ".sustained"
            shown[id.rawValue] = name
            return name
        }
    }

    private let state = Mutex(State())

    public init() {}

    public func learn(_ plan: PlanFeatures) {
        for limit in plan.limits { learn(limit.name) }
    }

    /// Takes in one name. Names fold to 14 bits, so at most 16,384 are kept.
    func learn(_ name: String) {
        state.withLock { state in
            let group = LimitID.group(of: name)
            guard state.groups[group] != name else { return }
            state.groups[group] = name
            for window in 0..<4 {
                state.shown[LimitID(group: group, window: UInt16(window)).rawValue] = nil
            }
        }
    }

    /// `default`, `default.sustained`; `limit-8364` for a limit of a plan that this process has not
    /// read.
    func name(of id: LimitID) -> String { state.withLock { $0.name(of: id) } }
}
