/// When a clinic moves to another plan.
public enum PlanMoveTime: Hashable, Sendable {
    /// At once when nothing becomes less, else with the next month.
    case whenFair
    case now
    case nextMonth
}
