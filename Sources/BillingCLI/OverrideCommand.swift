import ArgumentParser
import Ledger
import Metering
import Quotas
import Shell
import Values

/// `billing override`: numbers that replace the plan's for one clinic, until a day.
struct OverrideCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "overrides",
        abstract: "Numbers that replace the plan's for one clinic, until a day.",
        discussion: """
            WHAT is quota, users, patients, storage, limit:NAME, limit:NAME.sustained, \
            shadow:quota or shadow:limit:NAME. Each is written to audit_logs, takes effect at \
            once, and ends after its last day.

            Example:
              billing overrides set smile quota 2000000 --until 2026-12-31 --reason "move of old records"
            """,
        subcommands: [Set.self, List.self, End.self],
        aliases: ["override"])

    /// `smile`, or the id of a clinic without a subdomain.
    static func line(_ entry: ListedOverride) -> String {
        let until = UTCTime(microseconds: entry.until).map { "\($0)" } ?? "?"
        return "\(entry.subdomain ?? entry.clinic.description) \(entry.override.what) "
            + "\(entry.override.value) until \(until)"
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set an override; it replaces one of the same kind.",
            discussion: """
                Examples:
                  billing overrides set smile users 30 --until 2026-12-31 --reason "two locums"
                  billing overrides set smile limit:default 40/1s/120 --until 2026-11-30 --reason "import"
                  billing overrides set smile shadow:limit:export on --until 2026-11-30 --reason "trial"
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String
        @Argument(
            help: ArgumentHelp(
                "quota, users, patients, storage, limit:NAME, limit:NAME.sustained, shadow:quota "
                    + "or shadow:limit:NAME."),
            transform: what)
        var what: ClinicOverride.What
        @Argument(
            help: ArgumentHelp(
                "A whole number or unlimited; for a limit RATE/PER or RATE/PER/BURST, as "
                    + "40/1s/120; for a shadow on or off."),
            transform: value)
        var value: ClinicOverride.Value
        @Option(
            help: ArgumentHelp("The last day, in UTC.", valueName: "YYYY-MM-DD"),
            transform: endOfDay)
        var until: Int64
        @Option(help: "The reason, for the audit log.") var reason: String
        @OptionGroup var actor: ActorOptions

        func validate() throws {
            guard ClinicOverride(what, value) != nil else {
                throw ValidationError("\(what) takes \(taken)")
            }
            try CommandArguments.require(reason, "--reason", most: 500)
        }

        func run() async throws {
            guard let override = ClinicOverride(what, value) else { return }
            try await AdminDatabase.lend(to: actor) { ledger in
                let id = try await ledger.clinics.find(named: clinic)
                let number = try await ledger.plans.setOverride(
                    override, of: id, until: until, reason: reason)
                let set = try await ledger.plans.overrides(of: id).filter { $0.id == number }
                for entry in set {
                    try Console.write("override \(number): \(OverrideCommand.line(entry))\n")
                }
                try await noteMissingLimit(of: id, in: ledger)
            }
        }

        /// An override changes a limit; it never creates one.
        private func noteMissingLimit(of clinic: ClinicID, in ledger: Ledger) async throws {
            let (name, window): (String, UInt16)
            switch what {
            case .limit(let limit, let isSustained): (name, window) = (limit, isSustained ? 1 : 0)
            case .shadow(let limit?): (name, window) = (limit, 0)
            default: return
            }
            let stored = try await ledger.clinics.storedTerms(
                of: clinic, at: ledger.operations.databaseTime())
            let plan = try? stored?.terms().plan
            let windows = plan?.limits.first { $0.name == name }?.windows ?? []
            guard !windows.contains(where: { $0.id.window == window }) else { return }
            Console.note(
                "billing: the plan of this clinic has no \(what): the override has no effect yet")
        }

        /// The kind of value that goes with `what`.
        private var taken: String {
            switch what {
            case .limit: "RATE/PER such as 40/1s"
            case .shadow: "on or off"
            default: "a whole number or unlimited"
            }
        }

        private static func what(_ text: String) throws -> ClinicOverride.What {
            guard let what = ClinicOverride.What(text) else {
                throw ValidationError(
                    "write quota, users, patients, storage, limit:NAME, limit:NAME.sustained, "
                        + "shadow:quota or shadow:limit:NAME")
            }
            return what
        }

        private static func value(_ text: String) throws -> ClinicOverride.Value {
            guard let value = ClinicOverride.Value(text) else {
                throw ValidationError(
                    "write a whole number, unlimited, 40/1s, 40/1s/120, on or off")
            }
            return value
        }

        private static func endOfDay(_ text: String) throws -> Int64 {
            guard let day = CivilDate(text) else {
                throw ValidationError("a day is written YYYY-MM-DD, such as 2026-12-31")
            }
            return day.end
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the overrides in force.",
            discussion: """
                Example:
                  billing overrides list smile
                """)

        @Argument(help: ArgumentHelp("Only this clinic.", valueName: "id|subdomain"))
        var clinic: String?

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                var only: ClinicID?
                if let clinic { only = try await ledger.clinics.find(named: clinic) }
                var table = TextTable(["id", "clinic", "what", "value", "until", "by", "reason"])
                for entry in try await ledger.plans.overrides(of: only) {
                    table.add([
                        "\(entry.id)", entry.subdomain ?? entry.clinic.description,
                        "\(entry.override.what)", "\(entry.override.value)",
                        UTCTime(microseconds: entry.until).map { "\($0)" } ?? "?", entry.createdBy,
                        entry.reason,
                    ])
                }
                try Console.write(table.text)
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End an override before its time.",
            discussion: """
                Example:
                  billing overrides end 7 --reason "the import is done"
                """)

        @Argument(help: "Its number, as `billing overrides list` prints it.") var id: Int64
        @Option(help: "The reason, for the audit log.") var reason: String
        @OptionGroup var actor: ActorOptions

        func validate() throws {
            try CommandArguments.require(reason, "--reason", most: 500)
        }

        func run() async throws {
            try await AdminDatabase.lend(to: actor) { ledger in
                guard let clinic = try await ledger.plans.endOverride(id, reason: reason) else {
                    throw NoSuchOverride(id: id)
                }
                try Console.write("override \(id) of \(clinic) has ended\n")
            }
        }
    }
}
