import Foundation
import Shell
import TestSupport
import Testing
import WorkerSupport

/// A command as its program describes it (`--experimental-dump-help`).
private struct CommandPage: Decodable {
    struct Root: Decodable { let command: CommandPage }

    let commandName: String
    let aliases: [String]?
    let subcommands: [CommandPage]?

    var inner: [CommandPage] { (subcommands ?? []).filter { $0.commandName != "help" } }

    static func root(of program: String) async throws -> CommandPage {
        let run = try await Program.run([program, "--experimental-dump-help"])
        return try JSONDecoder().decode(Root.self, from: Data(run.output.utf8)).command
    }

    /// Lines of the tree: verbs together, a line for each noun.
    var tree: String {
        let verbs = inner.filter(\.inner.isEmpty).map(\.commandName)
        let nouns = inner.filter { !$0.inner.isEmpty }.map { noun in
            let names = [noun.commandName] + (noun.aliases ?? [])
            return "\(commandName) \(names.joined(separator: "|"))  "
                + noun.inner.map(\.commandName).joined(separator: " · ") + "\n"
        }
        return "\(commandName)  \(verbs.joined(separator: " · "))\n" + nouns.joined()
    }

    /// Every command below this one, with its whole name.
    func all(under names: [String] = []) -> [[String]] {
        let names = names + [commandName]
        return [names] + inner.flatMap { $0.all(under: names) }
    }
}

@Suite(.timed) struct `The page of commands` {
    private static let path = "\(ProjectRoot.path)/docs/commands.md"

    /// To renew the page: METERING_TEST_WRITE_DOCS=1 swift test --filter `page of commands`
    @Test func `holds the tree and the exit codes of both programs`() async throws {
        var tree = ""
        for program in ["billing", "metering-worker"] {
            tree += try await CommandPage.root(of: program).tree
        }
        let found = try String(contentsOfFile: Self.path, encoding: .utf8)
        let wanted = try Self.replacing(
            Self.replacing(found, after: "```text\n", before: "```", with: tree),
            after: "a code keeps its meaning:\n\n", before: "\n- An argument", with: Outcome.table)
        if ProcessInfo.processInfo.environment["METERING_TEST_WRITE_DOCS"] == "1" {
            try wanted.write(toFile: Self.path, atomically: true, encoding: .utf8)
        }
        #expect(found == wanted, "run this test with METERING_TEST_WRITE_DOCS=1")
    }

    private static func replacing(
        _ text: String, after start: String, before end: String, with new: String
    ) throws -> String {
        let first = try #require(text.range(of: start)).upperBound
        let last = try #require(text.range(of: end, range: first..<text.endIndex)).lowerBound
        return text[..<first] + new + text[last...]
    }

    @Test(arguments: ["billing", "metering-worker"])
    func `is what --help says about exit codes`(program: String) async throws {
        let help = try await Program.run([program, "--help"]).output
        let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for outcome in Outcome.allCases {
            let wanted = "\(outcome.rawValue) \(outcome.meaning)"
                .split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains(wanted), "\(wanted)")
        }
        #expect(Outcome.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6, 7])
    }

    @Test(arguments: ["billing", "metering-worker"])
    func `has an example in the help of every command`(program: String) async throws {
        for names in try await CommandPage.root(of: program).all() {
            let run = try await Program.run(names + ["--help"])
            #expect(run.ending == .exited(0))
            #expect(run.output.contains("Example"), "\(names)")
        }
    }

    @Test func `names no exit code outside its table`() throws {
        let numbers = /ExitCode\(|ExitCode\.|exit\([1-9]\)/
        let sources = FileManager.default.enumerator(atPath: "\(ProjectRoot.path)/Sources")
        for case let path as String in try #require(sources)
        where path.hasSuffix(".swift") && !path.hasSuffix("SecondSignal.swift") {
            let text = try String(
                contentsOfFile: "\(ProjectRoot.path)/Sources/\(path)", encoding: .utf8)
            #expect(text.firstMatch(of: numbers) == nil, "\(path)")
        }
    }
}

@Suite(.timed) struct `Nouns and options` {
    @Test(arguments: [
        ["billing", "plan", "validate"], ["billing", "plans", "validate"],
        ["billing", "clinic", "list"], ["billing", "clinics", "list"],
        ["billing", "override", "list"], ["billing", "overrides", "list"],
        ["billing", "limit", "status"], ["billing", "quotas", "explain"],
        ["metering-worker", "key", "list"], ["metering-worker", "keys", "list"],
    ])
    func `are accepted in the singular and in the plural`(call: [String]) async throws {
        let run = try await Program.run(call + ["--help"])
        #expect(run.ending == .exited(0), "\(run.errors)")
        #expect(run.output.contains("Example"))
    }

    @Test(arguments: [
        (["metering-worker", "srve"], "did you mean serve?"),
        (["billing", "reprot"], "did you mean report?"),
        (["billing", "plans", "aply", "x.json"], "did you mean apply?"),
        (["billing", "outbox", "dnoe", "3"], "did you mean done?"),
        (["billing", "frobnicate"], "there is no command \"frobnicate\""),
    ])
    func `that do not exist are refused with the nearest one`(
        call: [String], says: String
    ) async throws {
        let run = try await Program.run(call)
        #expect(run.ending == .exited(2))
        #expect(run.errors.contains(says), "\(run.errors)")
        #expect(run.errors.contains("Usage: \(call[0])") && run.output.isEmpty)
        if !says.contains("mean") { #expect(!run.errors.contains("did you mean")) }
    }

    @Test(arguments: [
        (["billing", "report", "--month", "2026-11", "--month", "2026-10"], "--month"),
        (["billing", "report", "--sort", "name", "--sort=plan"], "--sort"),
        (["billing", "pay", "x", "--reason", "a", "--reason=b"], "--reason"),
        (["metering-worker", "keys", "create", "--name", "a", "--name", "b"], "--name"),
    ])
    func `of one value are refused when they are given twice`(
        call: [String], option: String
    ) async throws {
        let run = try await Program.run(call)
        #expect(run.ending == .exited(2))
        #expect(run.errors.contains("\(option) is given twice"), "\(run.errors)")
    }

    @Test(arguments: [
        ["billing", "standing", "smile"], ["billing", "outbox"],
        ["billing", "outbox", "--limit", "3"], ["metering-worker", "--config", "/no/such/file"],
    ])
    func `of a command that may be left out are taken for its own`(call: [String]) async throws {
        let run = try await Program.run(call)
        #expect(run.ending == .exited(1), "\(run.errors)")
    }

    /// Without a database the command ends with 1 and names the setting: the parser took all.
    @Test(arguments: [
        [
            "billing", "report", "--plan", "A", "--plan", "B", "--fail-on", "drift",
            "--fail-on=past-due",
        ],
        ["billing", "report", "--sort", "-name", "--status", "active", "--status", "none"],
        [
            "metering-worker", "keys", "create", "--name", "a", "--scope", "check", "--scope",
            "usage",
        ],
        ["billing", "pay", "x", "--reason", "--key", "--key", "k"],
    ])
    func `of many values may be repeated`(call: [String]) async throws {
        let run = try await Program.run(call)
        #expect(!run.errors.contains("given twice"), "\(run.errors)")
    }

    @Test(arguments: ["--reason", "--key"])
    func `count their length as PostgreSQL does`(option: String) async throws {
        // 300 letters with an accent of their own are 600 code points.
        let long = String(repeating: "e\u{301}", count: 300)
        var call = ["billing", "pay", "x", option, long]
        if option == "--key" { call += ["--reason", "a"] }
        let run = try await Program.run(call)
        #expect(run.ending == .exited(2))
        #expect(run.errors.contains("\(option) has 1 to"), "\(run.errors)")
    }

    @Test func `of a dry run go with it`() async throws {
        let run = try await Program.run(["billing", "plans", "apply", "x.json", "--exit-code"])
        #expect(run.ending == .exited(2))
        #expect(run.errors.contains("--exit-code goes with --dry-run"))
    }

    @Test(arguments: ["", " ", String(repeating: "n", count: 51), "J\u{F6}rg"])
    func `refuse a name of the actor that would not arrive whole`(name: String) async throws {
        let run = try await Program.run(["billing", "pay", "x", "--reason", "a", "--as", name])
        #expect(run.ending == .exited(2))
        #expect(run.errors.contains("--as takes 1 to 50"), "\(run.errors)")
    }

    @Test func `name no nearest setting where none is near`() async throws {
        let run = try await Program.run(["metering-worker", "migrate"], ["METERING_FOO": "1"])
        #expect(run.ending == .exited(1))
        #expect(run.errors.contains("\"METERING_FOO\" is not a setting (docs/configuration.md"))
    }
}
