import ArgumentParser
import Ledger
import Postgres
import Shell

/// `metering-worker migrate`: brings a database to this release's schema.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create or update the schema, each step once and in order.",
        discussion: """
            Examples:
              DATABASE_OWNER_URL=postgresql://owner@db/clinics metering-worker migrate --dry-run
              metering-worker migrate --rls

            In an empty database, migrate also creates the application's tables. In a database \
            that has them, it attaches: their structure and owners stay; docs/attach.md lists the \
            additions. --dry-run says first which of the two it would do.

            Connects with DATABASE_OWNER_URL, else DATABASE_URL, directly and not through a \
            pooler. A second run finds nothing to do, a concurrent run waits, and a run after an \
            interrupted one continues it.
            """)

    @OptionGroup var options: SettingsOptions
    @OptionGroup var dryRun: DryRun
    @Flag(help: "Then widen api_usage.api_calls from INT to BIGINT: rewrites that table.")
    var rewrite = false
    @Flag(help: "Then switch row security on for the application's tables.")
    var rls = false
    @Flag(
        name: .customLong("force-rls"),
        help: "Like --rls, also for the owners: their COPY FROM and pg_dump stop.")
    var forceRLS = false
    @OptionGroup var agreement: Agreement

    func run() async throws {
        let settings = try options.settings(quiet: true)
        try await PostgresPool.used(
            with: settings.database.ownerConfiguration(),
            setting: "DATABASE_OWNER_URL, or without it DATABASE_URL"
        ) { pool in
            let migrator = Migrator(pool: pool)
            guard !dryRun.isDry else {
                return try dryRun.end(wouldChange: try await survey(migrator))
            }
            let outcome = try await migrator.apply(progress: Self.note)
            try Console.write(Self.report(of: outcome))
            if rewrite { try await widenUsage(migrator) }
            if rls || forceRLS {
                let switched = RowSecuritySwitch(migrator: migrator, agreement: agreement)
                try await switched.run(forced: forceRLS)
            }
        }
    }

    /// Returns whether there is something to do.
    private func survey(_ migrator: Migrator) async throws -> Bool {
        let survey = try await migrator.survey()
        try Console.write(SurveyReport(survey: survey).text)
        guard survey.files.isEmpty else {
            if rewrite || rls || forceRLS {
                Self.note(
                    "--rewrite, --rls and --force-rls say what they would do when this is applied")
            }
            return true
        }
        var steps: [ConnectingRoleStep] = []
        if rewrite { steps.append(.wideUsage) }
        if rls || forceRLS { steps.append(.rowSecurity) }
        if forceRLS { steps.append(.forcedRowSecurity) }
        var hasWork = !survey.steps.isEmpty
        for step in steps {
            for statement in try await migrator.preview(step) {
                hasWork = true
                try Console.write("would run \(statement)\n")
            }
        }
        if rls || forceRLS {
            let switched = RowSecuritySwitch(migrator: migrator, agreement: agreement)
            try await switched.list(forced: forceRLS)
        }
        return hasWork
    }

    private static func report(of outcome: MigrationOutcome) -> String {
        let made = outcome.partitions
        // On one terminal each step was shown as it was applied.
        let lines =
            (Console.isOneTerminal ? "" : StepList.done(outcome.steps).text)
            + (made > 0 ? "made \(made) partitions for months\n" : "")
            + outcome.lost.map { "could not be redone: \($0)\n" }.joined()
        return (outcome.isEmpty ? "nothing to do\n" : lines) + grants
    }

    /// The roles cannot log in, so each login is granted one.
    private static var grants: String {
        let grants = Migrator.grants(
            workerLogin: "<worker login>", viewerLogin: "<report login>",
            adminLogin: "<administrator login>")
        return "grant once to the logins of the worker and of billing:\n"
            + grants.map { "  \($0)\n" }.joined()
    }

    private func widenUsage(_ migrator: Migrator) async throws {
        guard try await !migrator.preview(.wideUsage).isEmpty else {
            try Console.write("api_usage.api_calls is BIGINT already\n")
            return
        }
        let usage = try await migrator.tables().first { $0.name == "api_usage" }
        let size = usage?.found.map(SurveyReport.size) ?? "of unknown size"
        Self.note("api_usage, \(size), is locked against reading and writing while it is rewritten")
        let start = ContinuousClock.now
        _ = try await migrator.run(.wideUsage, progress: Self.note)
        let (seconds, fraction) = (ContinuousClock.now - start).components
        let milliseconds = seconds * 1_000 + fraction / 1_000_000_000_000_000
        try Console.write("api_usage.api_calls is BIGINT now, after \(milliseconds) ms\n")
    }

    static func note(_ line: String) { Console.note("metering-worker: \(line)") }
}
