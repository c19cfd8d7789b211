import Testing

@Suite struct `Files of SQL and Lua` {
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

    @Test func `without a header are found`() {
        let bare = ProjectFile(path: "a.sql", text: "SELECT $1 -- one\n-- $2 text\n")
        #expect(!Self.hasHeader(bare))
        #expect(Self.parameters(in: Self.parts(of: bare).header) == ["$2"])
        #expect(Self.parameters(in: Self.parts(of: bare).body) == ["$1"])
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
