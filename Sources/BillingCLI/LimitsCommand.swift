import ArgumentParser
import Ledger
import Metering
import Shell

/// `billing limits`: the limits that the database enforces.
struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Limits on seats, patients and storage, enforced by the database.",
        discussion: """
            The database counts every insert, update and delete. While it observes, nothing is \
            refused; when it enforces, a change beyond max_users, max_patients or storage_bytes of \
            the plan fails with SQLSTATE BQ001, BQ002 or BQ003. A clinic without a plan has no \
            limit.

            Example:
              billing limits status
              billing limits enforce
            """,
        subcommands: [Status.self, Observe.self, Enforce.self, Recount.self],
        aliases: ["limit"])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print whether limits are enforced, and which clinics are over theirs.",
            discussion: """
                Example:
                  billing limits status
                """)

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let mode = try await ledger.limits.mode()
                let since = UTCTime(microseconds: mode.changedAt).map { "\($0)" } ?? "long ago"
                try Console.write(
                    "limits are \(mode.isEnforced ? "enforced" : "observed only") since \(since), "
                        + "by \(mode.changedBy)\n")
                try Console.write(Self.lines(try await ledger.limits.exceeded()))
                let reserved = try await ledger.limits.reservedSeats()
                if reserved.seats > 0 {
                    try Console.write(
                        "seats reserved for invitations: \(reserved.seats), clinics: "
                            + "\(reserved.clinics)\n")
                }
                let unlimited = try await ledger.limits.clinicsWithoutPlan()
                if unlimited > 0 {
                    try Console.write(
                        "clinics without a plan, so without limits: \(unlimited)\n")
                }
            }
        }

        /// `smile-dental users 7 of 5`, one line per limit.
        static func lines(_ exceeded: [ExceededLimit]) -> String {
            guard !exceeded.isEmpty else { return "no clinic is over its plan\n" }
            let lines = exceeded.map { limit in
                let name = limit.subdomain ?? limit.clinic.description
                return "over: \(name) \(limit.counter.rawValue) \(limit.used) of \(limit.limit)\n"
            }
            return lines.joined()
        }
    }

    struct Observe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Count without refusing anything.",
            discussion: """
                This undoes `billing limits enforce`.

                Example:
                  billing limits observe
                """)

        @OptionGroup var dryRun: DryRun

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let isEnforced = try await ledger.limits.mode().isEnforced
                if dryRun.isDry {
                    try Console.write(
                        isEnforced
                            ? "limits would be observed only\n"
                            : "limits are already observed only\n")
                    return try dryRun.end(wouldChange: isEnforced)
                }
                let changed = try await ledger.limits.enforce(false)
                try Console.write(
                    changed
                        ? "limits are now observed only\n"
                        : "limits were already observed only\n")
            }
        }
    }

    struct Enforce: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse changes that exceed a clinic's plan.",
            discussion: """
                Lists clinics that already exceed their plan, then asks. They keep what they have, \
                and can add nothing until they are below it. `billing limits observe` undoes it.

                Examples:
                  billing limits enforce --dry-run
                  billing limits enforce --yes
                """)

        @OptionGroup var dryRun: DryRun
        @OptionGroup var agreement: Agreement

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let isEnforced = try await ledger.limits.mode().isEnforced
                let exceeded = try await ledger.limits.exceeded()
                try Console.write(Status.lines(exceeded))
                if dryRun.isDry {
                    try Console.write(
                        isEnforced ? "limits are already enforced\n" : "limits would be enforced\n")
                    return try dryRun.end(wouldChange: !isEnforced)
                }
                guard !isEnforced else {
                    return try Console.write("limits were already enforced\n")
                }
                let clinics = Set(exceeded.map(\.clinic)).count
                try agreement.require(
                    "Refuse additions beyond the plan; clinics that cannot add then: \(clinics)")
                _ = try await ledger.limits.enforce(true)
                try Console.write("limits are now enforced\n")
            }
        }
    }

    struct Recount: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Count all rows again and correct wrong counters.",
            discussion: """
                `metering-worker serve` does this once a day. Inserts of one clinic at a time wait \
                for it. A clinic whose counter another transaction locks for ten seconds is \
                skipped.

                Example:
                  billing limits recount
                """)

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                var progress = ProgressLine()
                var wrong = 0
                let outcome = try await ledger.limits.recount { drift, done in
                    progress.show("\(done.clinics) clinics")
                    wrong += drift.count
                    for entry in drift {
                        progress.clear()
                        try Console.write(
                            "\(entry.clinic) \(entry.counter.rawValue): counter \(entry.kept), "
                                + "rows \(entry.counted)\n")
                    }
                }
                progress.clear()
                let counted = outcome.clinics - outcome.skipped
                try Console.write("clinics counted: \(counted), counters corrected: \(wrong)\n")
                if outcome.skipped > 0 {
                    try Console.write(
                        "clinics skipped because their counters were locked: \(outcome.skipped)\n")
                }
            }
        }
    }
}
