import Metering

extension PlanChange.Difference {
    /// What differs between two states of a plan, by path.
    ///
    /// - Parameters:
    ///   - old: The plan as it is. Features are text as jsonb prints it, which writes equal values
    ///     in the same way, whatever the order of keys and the form of numbers in a file.
    ///   - merged: What its features would become, as jsonb prints it.
    static func all(
        from old: (users: Int64, patients: Int64, features: String), to new: PlanDraft,
        merged: String
    ) -> [Self] {
        var differences: [Self] = []
        for (path, before, after) in [
            ("max_users", old.users, new.maxUsers), ("max_patients", old.patients, new.maxPatients),
        ] where before != after {
            differences.append(
                Self(
                    path: path, before: "\(before)", after: "\(after)",
                    delay: isCut(from: before, to: after) ? .nextInsert : nil))
        }
        guard old.features != merged else { return differences }
        let before = JSON(features: old.features).leaves
        let after = JSON(features: merged).leaves
        // Features that this program cannot read do not show what differs.
        guard before != after else {
            return differences + [Self(path: "features", before: nil, after: nil, delay: nil)]
        }
        for path in Set(before.keys).union(after.keys).sorted()
        where before[path] != after[path] {
            differences.append(
                Self(
                    path: "features.\(path)", before: before[path], after: after[path],
                    delay: delay(path, from: before[path], to: after[path])))
        }
        return differences
    }

    private static func delay(
        _ path: String, from before: String?, to after: String?
    ) -> PlanChange.Delay? {
        let delay: PlanChange.Delay
        switch path {
        case "metering.quota.api_calls": delay = .nextMonth
        case "metering.storage_bytes": delay = .nextInsert
        default: return nil
        }
        let (old, new) = (before.flatMap { Int64($0) } ?? -1, after.flatMap { Int64($0) } ?? -1)
        return isCut(from: old, to: new) ? delay : nil
    }

    /// −1 is more than any number.
    private static func isCut(from before: Int64, to after: Int64) -> Bool {
        after >= 0 && (before < 0 || after < before)
    }
}
