import Metering

extension PlanChange.Difference {
    /// What differs between two states of a plan, by path.
    static func all(
        from old: (users: Int64, patients: Int64, features: JSON), to new: PlanDraft
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
        let (before, after) = (old.features.leaves, old.features.merged(with: new.features).leaves)
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
