/// What a statement is for, as its metric names it: a series for each statement's name would be too
/// many.
enum PostgresWork: String, CaseIterable, Sendable {
    case checkpoint, rollup, settings, capacity, standing, keys, recount, upkeep, commit, other

    /// By the beginning of the statement's name; the first that fits.
    private static let beginnings: [(String, PostgresWork)] = [
        ("COMMIT", .commit), ("usage_", .checkpoint), ("quarantine", .checkpoint),
        ("rollup_", .rollup), ("capacities_", .capacity), ("plan_change", .standing),
        ("standing_", .standing), ("overrides_", .standing), ("api_key_", .keys),
        ("recount", .recount), ("terms_", .settings), ("config_", .settings),
        ("clinic", .settings), ("plans_", .settings), ("database_time", .upkeep),
        ("figures", .upkeep), ("job_", .upkeep), ("month_", .upkeep), ("redis_stamp", .upkeep),
        ("worker_", .upkeep), ("notify", .upkeep),
    ]

    init(statement name: String) {
        self = Self.beginnings.first { name.hasPrefix($0.0) }?.1 ?? .other
    }
}
