import ArgumentParser
import Ledger
import Metering
import Shell
import Values

/// `billing clinics`: find clinics, look at one, add one.
struct ClinicsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clinics",
        abstract: "Clinics: list, show, add.",
        discussion: """
            Examples:
              billing clinics list --search dental
              billing clinics show smile
              billing clinics add "Smile Dental" --subdomain smile
            """,
        subcommands: [List.self, Show.self, Add.self],
        aliases: ["clinic"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List clinics with their plan and standing, by subdomain.",
            discussion: """
                Examples:
                  billing clinics list
                  billing clinics list --search "smile dental" --format json
                """)

        @Option(
            help: ArgumentHelp(
                "Only clinics whose name or subdomain contains this, or whose id it is.",
                valueName: "text"))
        var search: String?
        @Option(help: "The most clinics to print, 1 to 100000.")
        var limit = 1_000
        @Option(help: "The form of the output.")
        var format = ListFormat.table

        func validate() throws {
            guard (1...100_000).contains(limit) else {
                throw ValidationError("--limit is 1 to 100000")
            }
        }

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                // One more than is printed shows whether there are more.
                let found = try await ledger.clinics.list(
                    matching: search, most: min(limit + 1, 100_000))
                let clinics = Array(found.prefix(limit))
                switch format {
                case .table: try Console.write(ClinicText.table(of: clinics))
                case .json: try Console.write(ClinicText.json(of: clinics))
                }
                if found.count > limit {
                    Console.note("billing: there are more than \(limit); see --limit, --search")
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print one clinic: its names, plan, standing and days.",
            discussion: """
                Example:
                  billing clinics show smile
                """)

        @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain")) var clinic: String
        @Option(help: "The form of the output.")
        var format = ListFormat.table

        func run() async throws {
            try await AdminDatabase.lend { ledger in
                let id = try await ledger.clinics.find(named: clinic)
                let found = try await ledger.clinics.listed(id)
                switch format {
                case .table: try Console.write(ClinicText.lines(of: found))
                case .json: try Console.write(ClinicText.object(of: found).indented + "\n")
                }
            }
        }
    }
}

extension ClinicsCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a clinic; the same name and subdomain again change nothing.",
            discussion: """
                Prints its id on stdout. It has no plan yet, and so no limits, until \
                `billing subscribe`. Where the table is your application's, add clinics with \
                your application.

                Example:
                  billing clinics add "Smile Dental" --subdomain smile
                """)

        @Argument(help: "Its name, 1 to 255 characters.") var name: String
        @Option(help: "Its short name, 1 to 63 of a-z, 0-9 and -.") var subdomain: String
        @OptionGroup var actor: ActorOptions

        func validate() throws {
            guard (1...255).contains(name.unicodeScalars.count) else {
                throw ValidationError("a name has 1 to 255 characters")
            }
            let isLabel = subdomain.wholeMatch(of: /[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/) != nil
            guard isLabel else {
                throw ValidationError(
                    "--subdomain takes 1 to 63 of a-z, 0-9 and -, with no - at an end")
            }
        }

        func run() async throws {
            try await AdminDatabase.lend(to: actor) { ledger in
                let (clinic, isNew) = try await ledger.clinics.add(name: name, subdomain: subdomain)
                if !isNew { Console.note("billing: this clinic is there already") }
                Console.note("billing: next: billing subscribe \(subdomain) PLAN --reason TEXT")
                try Console.write("\(clinic)\n")
            }
        }
    }
}
