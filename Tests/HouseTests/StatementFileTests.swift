import TestSupport
import Testing

@Suite(.timed) struct `Files of SQL and Lua` {
    @Test func `begin with what they do`() throws {
        let sql = try ProjectTree.files(ending: ".sql", in: "Sources")
        let lua = try ProjectTree.files(ending: ".lua", in: "Sources")
        #expect(sql.count > 50 && lua.count == 3)
        #expect((sql + lua).filter { !Self.hasHeader($0) }.map(\.path) == [])
    }

    @Test func `explain each parameter and no other`() throws {
        let files = try ProjectTree.files(ending: ".sql", in: "Sources/Ledger/SQL")
        var parameters = 0
        for file in files {
            let (header, body) = Self.parts(of: file)
            let (explained, used) = (Self.parameters(in: header), Self.parameters(in: body))
            parameters += used.count
            #expect(explained == used, "\(file.path)")
        }
        #expect(parameters > 50)
    }

    @Test func `are each named once, by the file's name`() throws {
        let files = try ProjectTree.files(ending: ".sql", in: "Sources/Ledger/SQL")
        let sources = try ProjectTree.files(ending: ".swift", in: "Sources/Ledger")
        let named = sources.flatMap { Self.statements(in: $0.text) }
        #expect(named.filter { $0.name != $0.resource }.map(\.name) == [])
        #expect(named.map { "\($0.name).sql" }.sorted() == files.map(\.name).sorted())
    }

    @Test func `that are named otherwise are found`() {
        let text = #"static let a = file("a", PackageResources.b_sql)"#
        #expect(Self.statements(in: text).map { [$0.name, $0.resource] } == [["a", "b"]])
    }

    @Test func `without a header are found`() {
        let bare = ProjectFile(path: "a.sql", text: "SELECT $1 -- one\n-- $2 text\n")
        #expect(!Self.hasHeader(bare))
        #expect(Self.parameters(in: Self.parts(of: bare).header) == ["$2"])
        #expect(Self.parameters(in: Self.parts(of: bare).body) == ["$1"])
    }

    /// Every statement that a Swift file declares: the name it is known by, and the file it is read from.
    private static func statements(in text: String) -> [(name: String, resource: String)] {
        let declaration = /static let \w+ = file\(\s*"(\w+)",\s*PackageResources\.(\w+)_sql\)/
        return text.matches(of: declaration).map { (String($0.1), String($0.2)) }
    }

    private static func hasHeader(_ file: ProjectFile) -> Bool {
        let lines = file.lines.drop { $0.hasPrefix("#!") }
        return lines.first.map { $0.hasPrefix("-- ") && $0.count > 20 } == true
    }

    private static func parts(of file: ProjectFile) -> (header: String, body: String) {
        let isComment = { (line: Substring) in line.hasPrefix("--") }
        return (
            file.lines.filter(isComment).joined(separator: "\n"),
            file.lines.filter { !isComment($0) }.joined(separator: "\n")
        )
    }

    private static func parameters(in text: String) -> Set<String> {
        Set(text.matches(of: /\$[0-9]+/).map { String($0.0) })
    }
}
