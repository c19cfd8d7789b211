import Foundation
import TestSupport
import Testing

/// A command as its program describes it (`--experimental-dump-help`).
private struct CommandPage: Decodable {
    struct Root: Decodable { let command: CommandPage }

    let commandName: String
    let abstract: String?
    let subcommands: [CommandPage]?

    /// Commands that do something themselves, with their whole names, in the order of the help.
    func leaves(under names: [String] = []) -> [CommandRow] {
        let names = names + [commandName]
        let inner = (subcommands ?? []).filter { $0.commandName != "help" }
        guard inner.isEmpty else { return inner.flatMap { $0.leaves(under: names) } }
        return [CommandRow(name: names.joined(separator: " "), abstract: abstract ?? "")]
    }
}

private struct CommandRow: Equatable {
    let name: String
    let abstract: String
}

@Suite(.timed) struct `The command table of README.md` {
    @Test func `holds every command with the first line of its help`() async throws {
        var commands: [CommandRow] = []
        for program in ["metering-worker", "billing"] {
            let run = try await RunningProcess.run(
                try Product.path(program), ["--experimental-dump-help"])
            let root = try JSONDecoder().decode(CommandPage.Root.self, from: Data(run.output.utf8))
            commands += root.command.leaves()
        }
        #expect(commands.count > 20)
        #expect(try rows() == commands)
    }

    private func rows() throws -> [CommandRow] {
        let text = try ProjectTree.file("README.md").text
        let start = try #require(text.range(of: "| command | does |"))
        let table = text[start.upperBound...].split(
            separator: "\n", omittingEmptySubsequences: false
        )
        .dropFirst(2).prefix { $0.hasPrefix("|") }
        return table.map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            return CommandRow(
                name: cells[0].replacing("`", with: ""), abstract: cells.count > 1 ? cells[1] : "")
        }
    }
}
