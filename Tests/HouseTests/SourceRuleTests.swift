import TestSupport
import Testing

/// Words that may stand in some targets only, or nowhere.
struct WordRule: Sendable, CustomTestStringConvertible {
    let name: String
    /// Any of these breaks the rule.
    let words: [String]
    /// Targets in which they may stand.
    var targets: Set<String> = []
    /// A line that breaks the rule, so that the rule is seen to work.
    let example: String

    var testDescription: String { name }

    func isBroken(by line: some StringProtocol) -> Bool {
        words.contains { line.contains($0) }
    }

    static let all = [
        WordRule(
            name: "no crash on what comes from outside",
            words: ["try!", "as! ", "fatalError(", "unowned(unsafe)"],
            example: "let value = try! decode(bytes)"),
        WordRule(
            name: "pointers stay in the drivers",
            words: [
                "UnsafePointer", "UnsafeMutablePointer", "UnsafeRawPointer", "UnsafeBufferPointer",
                "UnsafeMutableRawPointer", "UnsafeRawBufferPointer", "UnsafeMutableBufferPointer",
                "UnsafeMutableRawBufferPointer", "OpaquePointer", "Unmanaged<", "withUnsafe",
                "unsafeBitCast", "nonisolated(unsafe)", "@unchecked Sendable",
            ],
            targets: ["Redis", "Postgres"], example: "func read(_ bytes: UnsafeRawPointer) {"),
        WordRule(
            name: "SQL lives in files",
            words: [
                "SELECT ", "INSERT INTO ", "DELETE FROM ", "UPDATE ", "CREATE TABLE ",
                "CREATE INDEX ", "ALTER TABLE ", "DROP TABLE ", "TRUNCATE ",
            ],
            example: #"let text = "SELECT datname FROM pg_database""#),
        WordRule(
            name: "nothing is left to do",
            words: ["TODO", "FIXME"], example: #"throw NotYet("TODO")"#),
        WordRule(
            name: "counting and money know no fractions",
            words: ["Double", "Float", "Decimal("],
            example: "let price: Double = 0"),
    ]
}

@Suite(.timed) struct `Source files` {
    @Test(arguments: WordRule.all)
    func `keep each word in its place`(rule: WordRule) async throws {
        let files = try ProjectTree.files(ending: ".swift", in: "Sources")
        #expect(files.count > 100)
        let judged = files.filter { !rule.targets.contains($0.target ?? "") }
        var breaches: [String] = []
        for file in judged {
            // Thousands of lines take seconds, and other tests need this thread too.
            await Task.yield()
            breaches += file.code.filter { rule.isBroken(by: $0.text) }
                .map { "\(file.path):\($0.number)" }
        }
        #expect(breaches.isEmpty, "\(rule.name)")
    }

    @Test(arguments: WordRule.all)
    func `are held to rules that find a breach`(rule: WordRule) {
        #expect(rule.isBroken(by: rule.example))
    }

    /// Otherwise `make test` would not find its slowest tests.
    @Test func `time every suite of tests`() throws {
        let untimed = try ProjectTree.files(ending: ".swift", in: "Tests").flatMap { file in
            file.code.filter { $0.text.contains("@Suite") && !$0.text.contains("@Suite(.timed") }
                .map { "\(file.path):\($0.number)" }
        }
        #expect(untimed.filter { !$0.hasPrefix("Tests/HouseTests/") }.isEmpty)
    }

    @Test func `see comments as no code`() {
        let file = ProjectFile(path: "a.swift", text: "// try! this\nlet a = 1  // not try!\ntry!")
        #expect(file.code.map(\.text) == ["", "let a = 1 ", "try!"])
    }

    @Test func `are named after what they hold`() throws {
        let files =
            try ProjectTree.files(ending: ".swift", in: "Sources")
            + ProjectTree.files(ending: ".swift", in: "Tests")
        #expect(files.count > 150)
        #expect(files.filter { Self.isVague($0.name) }.map(\.path) == [])
        #expect(Self.isVague("StringUtils.swift") && Self.isVague("CommonTypes.swift"))
    }

    private static func isVague(_ name: String) -> Bool {
        ["Util", "Helper", "Common", "Misc", "Manager", "Placeholder"].contains(
            where: name.contains)
    }
}
