import Metering
import Quotas

/// What applying a plan does, or would do.
public struct PlanChange: Hashable, Sendable {
    public let name: String
    public let isNew: Bool
    /// The newest version afterwards; 0 when a dry run would make the first.
    public var version: Int64
    public let differences: [Difference]
    /// Whom it concerns; nil when nothing differs, and for a new plan.
    public let reach: Reach?

    public struct Difference: Hashable, Sendable {
        /// `max_users`, `features.metering.quota.api_calls`.
        public let path: String
        /// nil = not there.
        public let before: String?
        public let after: String?
        /// When it counts, where that is not at once.
        public let delay: Delay?
    }

    public enum Delay: Sendable {
        /// A lowered quota: running months keep what was promised.
        case nextMonth
        /// A lowered limit of the database refuses what is added, and takes nothing away.
        case nextInsert
    }

    public struct Reach: Hashable, Sendable {
        public let clinics: Int64
        /// The first 20, by subdomain.
        public let names: [String]
        /// How many clinics hold more than the plan then allows.
        public let overUsers: Int64
        public let overPatients: Int64
        public let overStorage: Int64
        /// How many used more this month than the new quota.
        public let overQuota: Int64
    }
}

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

extension JSON {
    /// Everything that is no object, as text, by the keys that lead to it. An empty object is there too.
    var leaves: [String: String] {
        guard case .object(let members) = self else { return [:] }
        var leaves: [String: String] = [:]
        for member in members {
            let inner = member.value.leaves
            if inner.isEmpty { leaves[member.key] = "\(member.value)" }
            for (path, text) in inner { leaves["\(member.key).\(path)"] = text }
        }
        return leaves
    }

    /// Members of `other` in place of those of the same key; what it does not name stays, as with `||` of
    /// jsonb.
    func merged(with other: JSON) -> JSON {
        guard case .object(let new) = other else { return other }
        guard case .object(let old) = self else { return other }
        let keys = Set(new.map(\.key))
        return .object(old.filter { !keys.contains($0.key) } + new)
    }
}
