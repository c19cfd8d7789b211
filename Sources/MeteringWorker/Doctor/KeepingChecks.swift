import Ledger
import Shell
import Values

// Checks of plans, clinics and recurring work.
extension DoctorCheck {
    static func plans(_ refused: [(plan: String, problem: String)]) -> DoctorCheck {
        guard let first = refused.first else { return .ok("plans", "every plan can be used") }
        let more = refused.count > 1 ? "; and \(refused.count - 1) more" : ""
        return .warn(
            "plans",
            "the newest version of plan \(TerminalText.quoted(first.plan)) cannot be used: "
                + "\(TerminalText.quoted(first.problem))\(more); the last good one stays",
            remedy: "billing plans show PLAN, then billing plans apply FILE with a good one")
    }

    static func subscriptions(without clinics: Int64) -> DoctorCheck {
        guard clinics > 0 else { return .ok("subscriptions", "every clinic has a plan") }
        return .warn(
            "subscriptions", "clinics without a plan, and so without limits: \(clinics)",
            remedy: "billing subscribe CLINIC PLAN")
    }

    static func limits(_ mode: LimitMode) -> DoctorCheck {
        guard !mode.isEnforced else {
            return .ok("limits", "users, patients and storage are held to the plan")
        }
        return .warn(
            "limits", "observed only: nothing that goes over a plan is refused",
            remedy: "billing limits status, then billing limits enforce")
    }

    /// A line for each kind.
    static func attention(_ open: [OpenAttention]) -> [DoctorCheck] {
        guard !open.isEmpty else { return [.ok("attention", "nothing is open in the list")] }
        return open.map { item in
            let clinic = item.clinic.map { "clinic \($0) " } ?? ""
            let subject = item.subject.isEmpty ? "" : "\(TerminalText.quoted(item.subject)) "
            return .warn(
                "attention-\(item.kind)",
                "\(item.count) open, the latest: \(clinic)\(subject)"
                    + TerminalText.quoted(item.detail),
                remedy: attentionRemedies[item.kind] ?? "see metering.attention")
        }
    }

    private static let attentionRemedies = [
        "unknown_status": "set payment_status to a known value; the list is in docs/standing.md",
        "refused_plan":
            "billing plans show PLAN says what is wrong; fix it with billing plans apply",
        "int_overflow": "metering-worker migrate --rewrite, then metering-worker rollup",
        "counters_stale": "billing limits recount",
        "odd_usage": "correct the row of api_usage; only its plausible values were taken over",
        "audit_refused": "fix what refuses rows of audit_logs: a trigger or a CHECK of that table",
        "plan_change_failed":
            "fix what refuses the change: a trigger or a CHECK of clinic_subscriptions",
        "plan_change_dropped": "billing plan-change, to a plan that exists",
        "triggers_missed":
            "read \"Attention\" in docs/operating.md, which says how to resolve it",
        "standing_failed": "billing standing show CLINIC, and the log of the worker",
    ]

    static func messages(_ old: Backlog) -> DoctorCheck {
        guard old.count > 0 else {
            return .ok("outbox", "no message has waited for more than a day")
        }
        return .warn(
            "outbox",
            "messages not done for more than a day: \(old.count), the oldest "
                + "\(Age.text(old.age ?? 0)) old",
            remedy: "billing outbox list, act, then billing outbox done")
    }

    static func quarantine(_ refused: Backlog) -> DoctorCheck {
        guard refused.count > 0 else {
            return .ok("quarantine", "the ledger refused no count")
        }
        let age = refused.age.map { ", the latest \(Age.text($0)) ago" } ?? ""
        return .warn(
            "quarantine", "counts that the ledger refused: \(refused.count)\(age)",
            remedy: "see metering.quarantine; counts that were right need a higher "
                + "METERING_MARK_MAX_PER_SECOND")
    }

    /// - Parameter signs: Of the last half minute; a worker writes one every ten seconds.
    static func workers(_ signs: WorkerFacts) -> DoctorCheck {
        let silent =
            signs.silent == 0 ? "" : "; stopped without a clean shutdown: \(signs.silent)"
        guard signs.alive > 0 else {
            let latest = signs.latest.map { ", the last heartbeat is \(Age.text($0)) old" } ?? ""
            return .warn(
                "workers", "no worker is alive\(latest)\(silent)", remedy: "metering-worker serve")
        }
        guard signs.silent > 0 else { return .ok("workers", "alive: \(signs.alive)") }
        return .warn(
            "workers", "alive: \(signs.alive)\(silent)",
            remedy: "see the log of that machine; silent ones are forgotten after a day")
    }

    /// - Parameter interval: How often a worker sweeps, seconds.
    static func sweep(_ job: JobFacts, interval: Int64) -> DoctorCheck {
        let found = job.age.map { "the latest sweep was \(Age.text($0)) ago" }
        guard let age = job.age, age <= patience(interval) else {
            return .warn(
                "sweep", found ?? "no sweep has read every clinic from Redis yet",
                remedy: "metering-worker serve, which sweeps; or metering-worker rollup by cron")
        }
        return .ok("sweep", found ?? "")
    }

    /// - Parameters:
    ///   - waiting: Parts of months that wait, and seconds since any was rolled up.
    ///   - byHand: The latest runs of the command.
    ///   - interval: How often a worker rolls up, seconds.
    static func rollup(_ waiting: Backlog, byHand: JobFacts, interval: Int64) -> DoctorCheck {
        let found = waiting.age.map { "the latest roll-up was \(Age.text($0)) ago" }
        let remedy = "metering-worker rollup, and see what it says"
        if waiting.count > 0, waiting.age.map({ $0 > patience(interval) }) ?? true {
            let state = found ?? "nothing was rolled up yet"
            return .warn("rollup", "counts wait and \(state)", remedy: remedy)
        }
        if byHand.isGood == false {
            return .warn(
                "rollup", "the latest metering-worker rollup could not read Redis", remedy: remedy)
        }
        return .ok("rollup", found ?? "nothing was counted yet")
    }

    /// Three times missed, and ten minutes at least: 60 → 600, 3,600 → 10,800.
    private static func patience(_ interval: Int64) -> Int64 { max(600, 3 * interval) }
}
