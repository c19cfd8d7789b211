/// One file of `Functions/`: a function or a view, applied again when its text has changed.
public struct FunctionFile: Hashable, Sendable {
    /// The name of the function or view in schema `metering`.
    public let name: String
    public let text: String

    init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    /// Those of `names`, and all files that call one of them, through others too.
    static func callers(of names: Set<String>, among files: [FunctionFile]) -> Set<String> {
        var callers = names
        while true {
            let more = files.filter {
                !callers.contains($0.name) && !$0.uses.isDisjoint(with: callers)
            }
            guard !more.isEmpty else { return callers }
            callers.formUnion(more.map(\.name))
        }
    }

    /// What of schema `metering` its text names.
    private var uses: Set<String> {
        Set(
            text.split(separator: "metering.").dropFirst().map { rest in
                String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
            })
    }

    /// All of them, in an order in which each finds those that it needs.
    public static let all: [FunctionFile] = [
        file("standing_status", PackageResources.standing_status_sql),
        file("unknown_status", PackageResources.unknown_status_sql),
        file("first_month", PackageResources.first_month_sql),
        file("percent", PackageResources.percent_sql),
        file("note_attention", PackageResources.note_attention_sql),
        file("resolve_attention", PackageResources.resolve_attention_sql),
        file("said_by", PackageResources.said_by_sql),
        file("audit", PackageResources.audit_sql),
        file("audit_quota", PackageResources.audit_quota_sql),
        file("raise_config_version", PackageResources.raise_config_version_sql),
        file("clinic_input_added", PackageResources.clinic_input_added_sql),
        file("clinic_input_changed", PackageResources.clinic_input_changed_sql),
        file("clinic_input_removed", PackageResources.clinic_input_removed_sql),
        file("notify_terms", PackageResources.notify_terms_sql),
        file("notify_keys", PackageResources.notify_keys_sql),
        file("window_problem", PackageResources.window_problem_sql),
        file("plan_problem", PackageResources.plan_problem_sql),
        file("record_plan_version", PackageResources.record_plan_version_sql),
        file("note_plan_version", PackageResources.note_plan_version_sql),
        file("note_plan_move", PackageResources.note_plan_move_sql),
        file("plan_changed", PackageResources.plan_changed_sql),
        file("plan_in_force", PackageResources.plan_in_force_sql),
        file("refuse_plan_version", PackageResources.refuse_plan_version_sql),
        file("reconsider_plans", PackageResources.reconsider_plans_sql),
        file("override_changed", PackageResources.override_changed_sql),
        file("end_overrides", PackageResources.end_overrides_sql),
        file("plan_limit", PackageResources.plan_limit_sql),
        file("clinic_held", PackageResources.clinic_held_sql),
        file("require_all_rows", PackageResources.require_all_rows_sql),
        file("lock_counters", PackageResources.lock_counters_sql),
        file("refuse_more", PackageResources.refuse_more_sql),
        file("count_simply", PackageResources.count_simply_sql),
        file("count_changes", PackageResources.count_changes_sql),
        file("seat_changes", PackageResources.seat_changes_sql),
        file("users_changed", PackageResources.users_changed_sql),
        file("staff_changed", PackageResources.staff_changed_sql),
        file("patients_changed", PackageResources.patients_changed_sql),
        file("files_changed", PackageResources.files_changed_sql),
        file("note_storage", PackageResources.note_storage_sql),
        file("count_again", PackageResources.count_again_sql),
        file("recount", PackageResources.recount_sql),
        file("refuse_truncate", PackageResources.refuse_truncate_sql),
        file("count_after_truncate", PackageResources.count_after_truncate_sql),
        file("require_current_clinic", PackageResources.require_current_clinic_sql),
        file("note_reservations", PackageResources.note_reservations_sql),
        file("reserve_seat", PackageResources.reserve_seat_sql),
        file("release_seat", PackageResources.release_seat_sql),
        file("drop_plan_change", PackageResources.drop_plan_change_sql),
        file("note_move", PackageResources.note_move_sql),
        file("adopt_status", PackageResources.adopt_status_sql),
        file("note_status", PackageResources.note_status_sql),
        file("forget_subscription", PackageResources.forget_subscription_sql),
        file("subscription_written", PackageResources.subscription_written_sql),
        file("subscriptions_truncated", PackageResources.subscriptions_truncated_sql),
        file("let_clinic_go", PackageResources.let_clinic_go_sql),
        file("lock_standing", PackageResources.lock_standing_sql),
        file("record_fact", PackageResources.record_fact_sql),
        file("apply_standing", PackageResources.apply_standing_sql),
        file("queue_notice", PackageResources.queue_notice_sql),
        file("defer_standing", PackageResources.defer_standing_sql),
        file("write_subscription", PackageResources.write_subscription_sql),
        file("apply_plan_change", PackageResources.apply_plan_change_sql),
        file("request_plan_change", PackageResources.request_plan_change_sql),
        file("defer_plan_change", PackageResources.defer_plan_change_sql),
        file("plan_change_settled", PackageResources.plan_change_settled_sql),
        file("adjustment_is_due", PackageResources.adjustment_is_due_sql),
        file("ensure_month_partitions", PackageResources.ensure_month_partitions_sql),
        file("usage_change", PackageResources.usage_change_sql),
        file("refuse_closed_months", PackageResources.refuse_closed_months_sql),
        file("reset_quota", PackageResources.reset_quota_sql),
        file("undo_quota_reset", PackageResources.undo_quota_reset_sql),
        file("refund_quota", PackageResources.refund_quota_sql),
        file("take_over_metering", PackageResources.take_over_metering_sql),
        file("take_over_counts", PackageResources.take_over_counts_sql),
        file("take_over_terms", PackageResources.take_over_terms_sql),
        file("take_over_usage", PackageResources.take_over_usage_sql),
        file("take_over", PackageResources.take_over_sql),
        file("add_clinic", PackageResources.add_clinic_sql),
        file("report", PackageResources.report_sql),
    ]

    private static func file(_ name: String, _ bytes: [UInt8]) -> FunctionFile {
        FunctionFile(name: name, text: String(decoding: bytes, as: UTF8.self))
    }
}
