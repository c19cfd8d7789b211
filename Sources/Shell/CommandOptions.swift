import ArgumentParser
import Foundation

/// The options and arguments of one command, as `--experimental-dump-help` describes them.
struct CommandOptions {
    private struct Help: Decodable {
        struct Command: Decodable { let arguments: [Argument]? }
        let command: Command
    }

    private struct Argument: Decodable {
        struct Name: Decodable { let name: String }

        let kind: String
        let names: [Name]?
        let isRepeating: Bool
    }

    private let arguments: [Argument]

    /// Empty when the description has another form than this version reads.
    init(of command: any ParsableCommand.Type) {
        let help = try? JSONDecoder().decode(Help.self, from: Data(command._dumpHelp().utf8))
        arguments = help?.command.arguments ?? []
    }

    /// Whether a word without dashes may follow.
    var takeValues: Bool { arguments.contains { $0.kind == "positional" } }

    /// An option of one value that is given twice: the parser would keep the last one.
    func repeated(in words: ArraySlice<String>) -> String? {
        let options = arguments.filter { $0.kind == "option" }
        var given: Set<String> = []
        var rest = words.prefix { $0 != "--" }
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else { continue }
            let name = String(word.dropFirst(2).prefix { $0 != "=" })
            let option = options.first { $0.names?.contains { $0.name == name } ?? false }
            guard let option else { continue }
            if !word.contains("=") { _ = rest.popFirst() }
            guard given.insert(name).inserted || option.isRepeating else { return name }
        }
        return nil
    }
}
