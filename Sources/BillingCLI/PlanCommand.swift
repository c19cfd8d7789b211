import ArgumentParser
import Ledger
import Metering
import Shell
import Values

/// `billing plan`: what clinics can buy.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plans",
        abstract: "Plans: check, write and show them.",
        discussion: """
            A file holds one plan or a list of plans; docs/plans.md has every key.

            Example:
              billing plans show Practice --format json > practice.json
              billing plans apply practice.json --dry-run
            """,
        subcommands: [Validate.self, Apply.self, List.self, Show.self],
        aliases: ["plan"])

    /// The plans of a file; ends the run with a line for each that is wrong.
    static func plans(in path: String) throws -> [PlanDraft] {
        let file = PlanFile(try InputFile.bytes(of: path, most: PlanFile.bytesMax))
        guard file.problems.isEmpty else {
            for problem in file.problems {
                Console.note("billing: \(path): \(Console.oneLine(problem))")
            }
            throw Outcome.wrongUsage
        }
        return file.plans
    }

    struct Validate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a file of plans, without a database.",
            discussion: """
                Prints every error with its place, and exits with 2 when there is one.

                Example:
                  billing plans validate practice.json
                """)

        @Argument(help: "A JSON file, or - for stdin.") var file: String

        func run() async throws {
            for plan in try PlanCommand.plans(in: file) {
                try Console.write("\(TerminalText.quoted(plan.name)) is good\n")
            }
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create plans from a file, or change plans of the same name.",
            discussion: """
                All or nothing. Keys of features that the file does not name stay as they are. \
                Clinics get a raised quota at once, a lowered one with the next month; rate \
                limits follow at once; a lowered limit on people, patients or storage only \
                refuses additions.

                Example:
                  billing plans apply practice.json --dry-run
                """)

        @Argument(help: "A JSON file, or - for stdin.") var file: String
        @OptionGroup var dryRun: DryRun

        func run() async throws {
            let drafts = try PlanCommand.plans(in: file)
            try await AdminDatabase.lend { ledger in
                let changes = try await ledger.plans.apply(drafts, isDryRun: dryRun.isDry)
                for change in changes {
                    try Console.write(PlanChangeText.lines(of: change, isDryRun: dryRun.isDry))
                }
                guard dryRun.isDry else { return }
                try dryRun.end(
                    wouldChange: changes.contains { $0.isNew || !$0.differences.isEmpty })
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every plan with its version in use.",
            discussion: """
                A version that cannot be used is printed below its plan, with the error.

                Example:
                  billing plans list
                """)

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let plans = try await ledger.plans.list()
                var table = TextTable([
                    "plan", "name", "version", "clinics", "users", "patients", "calls a month",
                    "bytes",
                ])
                for plan in plans { table.add(PlanText.cells(of: plan)) }
                try Console.write(table.text)
                for plan in plans {
                    guard let problem = plan.problem else { continue }
                    try Console.write("refused: \(TerminalText.quoted(plan.name)) \(problem)\n")
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print one plan and its versions.",
            discussion: """
                The JSON form is a file that `billing plans apply` accepts.

                Example:
                  billing plans show Practice --format json
                """)

        enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

        @Argument(help: "The plan's name.") var name: String
        @Option(help: "The output format.") var format = Format.text

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let plan = try await ledger.plans.find(named: name)
                switch format {
                case .json: try Console.write(PlanText.file(of: plan).indented + "\n")
                case .text:
                    let versions = try await ledger.plans.versions(of: plan.id)
                    try Console.write(PlanText.text(of: plan, versions))
                }
            }
        }
    }
}
