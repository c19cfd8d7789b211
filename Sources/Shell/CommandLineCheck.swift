import ArgumentParser
import Foundation
import Values

/// Finds what the parser accepts without a word, an option given twice, and what it refuses without
/// help, a misspelt command.
struct CommandLineCheck {
    let root: any ParsableCommand.Type

    /// What is wrong with the arguments of the program; nil when this finds nothing.
    func problem(in arguments: [String]) -> String? {
        let asksForHelp = arguments.contains {
            ["-h", "--help", "--version"].contains($0) || $0.hasPrefix("--experimental-")
                || $0.hasPrefix("--generate-")
        }
        guard !asksForHelp else { return nil }
        var (command, rest) = (root, arguments[...])
        while let word = rest.first, word != "help" {
            let inner = command.configuration.subcommands
            guard !inner.isEmpty else { break }
            if let next = inner.first(where: { Self.names(of: $0).contains(word) }) {
                (command, rest) = (next, rest.dropFirst())
                continue
            }
            let standard = command.configuration.defaultSubcommand
            guard word.hasPrefix("-") || CommandOptions(of: standard ?? command).takeValues else {
                return Self.unknown(word, among: inner.flatMap(Self.names))
            }
            guard let standard else { break }
            command = standard
        }
        return CommandOptions(of: command).repeated(in: rest)
            .map { "--\($0) is given twice; give it once" }
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        [command._commandName] + command.configuration.aliases
    }

    private static func unknown(_ word: String, among names: [String]) -> String {
        let nearest = NearestWord.to(word, among: names)
        return "there is no command \(TerminalText.quoted(word))"
            + (nearest.map { "; did you mean \($0)?" } ?? "")
    }
}
