import TestSupport
import Testing

/// Words of Swift code: names, operators and punctuation, without comments and the text of strings.
struct SwiftTokens {
    private(set) var tokens: [(line: Int, text: String)] = []
    private var line = 1

    init(_ source: String) {
        var rest = Substring(source)
        while let first = rest.first { read(first, &rest) }
    }

    private mutating func read(_ first: Character, _ rest: inout Substring) {
        if first.isNewline {
            line += 1
            rest.removeFirst()
        } else if rest.hasPrefix("//") {
            rest = rest.drop { !$0.isNewline }
        } else if rest.hasPrefix("/*") {
            skip(past: "*/", &rest)
        } else if rest.hasPrefix("\"\"\"") || rest.hasPrefix("#\"\"\"") {
            rest.removeFirst(first == "#" ? 4 : 3)
            skip(past: "\"\"\"", &rest)
        } else if first == "\"" {
            skipString(&rest)
        } else if first.isLetter || first == "_" {
            let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            tokens.append((line, String(word)))
            rest = rest.dropFirst(word.count)
        } else {
            if !first.isWhitespace { tokens.append((line, String(first))) }
            rest.removeFirst()
        }
    }

    private mutating func skip(past end: String, _ rest: inout Substring) {
        while !rest.isEmpty, !rest.hasPrefix(end) {
            if rest.first?.isNewline == true { line += 1 }
            rest.removeFirst()
        }
        rest = rest.dropFirst(end.count)
    }

    /// What an interpolation holds is skipped with its string: this looks for statements.
    private mutating func skipString(_ rest: inout Substring) {
        rest.removeFirst()
        while let next = rest.first, next != "\"", !next.isNewline {
            rest.removeFirst(next == "\\" ? min(2, rest.count) : 1)
        }
        if rest.first == "\"" { rest.removeFirst() }
    }
}

/// Uses of time, randomness, tasks and locks in Swift code.
struct Impurity {
    private static let words: Set<String> = [
        "Synchronization", "Mutex", "Atomic", "Task", "withTaskGroup", "withThrowingTaskGroup",
        "withDiscardingTaskGroup", "TaskGroup", "Dispatch", "DispatchQueue", "actor", "Clock",
        "ContinuousClock", "SuspendingClock", "UTCClock", "Date", "Glibc", "clock_gettime",
        "gettimeofday", "random", "randomElement", "shuffle", "shuffled",
        "SystemRandomNumberGenerator",
    ]

    /// Line and word of each use. `reply.now` is a value; `.now` and `Date.now` are clocks.
    static func uses(in source: String) -> [(line: Int, word: String)] {
        let tokens = SwiftTokens(source).tokens
        return tokens.indices.compactMap { place in
            let (line, word) = tokens[place]
            if words.contains(word) { return (line, word) }
            guard word == "now", place > 0, tokens[place - 1].text == "." else { return nil }
            let receiver = place > 1 ? tokens[place - 2].text : ""
            let isMember = receiver.last.map { $0.isLetter || $0.isNumber || ")]?!_".contains($0) }
            return isMember == true && !["return", "in", "case"].contains(receiver)
                ? nil : (line, ".now")
        }
    }
}

@Suite(.timed) struct `The domain` {
    private static let targets = ["Metering", "Quotas", "Billing"]

    @Test(arguments: targets)
    func `reads no clock, draws no number, starts no task and takes no lock`(
        target: String
    ) async throws {
        let files = try ProjectTree.files(ending: ".swift", in: "Sources/\(target)")
        #expect(files.count > 10)
        for file in files {
            await Task.yield()
            for (line, word) in Impurity.uses(in: file.text) {
                Issue.record("\(file.path):\(line) uses \(word); pass it in as a value")
            }
        }
    }

    @Test(arguments: [
        "import Synchronization", "private let state = Mutex(0)", "Task { run() }",
        "let clock = ContinuousClock()", "let start = ContinuousClock.now", "let time = Date()",
        "init(now: Date = .now)", "let id = UInt64.random(in: 0...9)",
        "let date: Date = .now", "return .now", "f(.now - start)", "list.shuffled()",
        "await withTaskGroup(of: Int.self) { _ in }",
    ])
    func `is held to a rule that finds a breach`(line: String) {
        #expect(!Impurity.uses(in: line).isEmpty, "\(line)")
        #expect(Impurity.uses(in: "\n" + line).first?.line == 2)
    }

    @Test(arguments: [
        "// a Task with a Mutex", "/// reads Date() .now", "/* Task { } */",
        #"let a = "Mutex .now""#,
        "let text = \"\"\"\n  Task { random }\n  \"\"\"", "reply.now + 1", "value?.now",
        "rules(0).now",
        "let now: Int64", "self.now = now", "struct RandomAccess {}", "let tasks = 3",
    ])
    func `may speak of such things and hold times as values`(text: String) {
        #expect(Impurity.uses(in: text).isEmpty, "\(text)")
    }
}
