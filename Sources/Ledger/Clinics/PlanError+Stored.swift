import Metering

extension PlanError {
    /// What the database wrote: a path, a blank, the problem.
    init(stored text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        self.init(
            path: parts.first.map(String.init) ?? "metering",
            problem: parts.count == 2 ? String(parts[1]) : "is not usable")
    }
}
