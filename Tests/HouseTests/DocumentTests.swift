import Foundation
import TestSupport
import Testing

@Suite(.timed) struct `Documents` {
    static let wanted = [
        "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md",
        "docs/admission.md", "docs/attach.md", "docs/configuration.md", "docs/direct.md",
        "docs/doctor.md", "docs/library.md", "docs/limits.md", "docs/operating.md",
        "docs/outages.md", "docs/plans.md", "docs/report.md", "docs/standing.md",
    ]

    @Test(arguments: wanted)
    func `are there`(path: String) throws {
        #expect(try ProjectTree.file(path).text.count > 200)
    }

    @Test func `link only to what is there`() throws {
        let pages = try ProjectTree.files(ending: ".md")
        #expect(pages.count > 10)
        var links = 0
        for page in pages {
            for link in Self.links(in: page) {
                links += 1
                #expect(ProjectTree.has(Self.resolve(link, from: page)), "\(page.path): \(link)")
            }
        }
        #expect(links > 20)
    }

    @Test func `are named in the sources only when they are there`() throws {
        let files =
            try ProjectTree.files(ending: ".swift", in: "Sources")
            + ProjectTree.files(ending: ".sql", in: "Sources")
            + ProjectTree.files(ending: ".lua", in: "Sources")
        var mentions = 0
        for file in files {
            for match in file.text.matches(of: /docs\/[a-z0-9\/-]+\.md/) {
                mentions += 1
                #expect(ProjectTree.has(String(match.0)), "\(file.path): \(match.0)")
            }
        }
        #expect(mentions > 3)
    }

    /// A decision that names a missing test has no evidence.
    @Test func `name only sources and tests that are there`() throws {
        let names = Set(try ProjectTree.files(ending: ".swift").map(\.name))
        var mentions = 0
        for page in try ProjectTree.files(ending: ".md") {
            for match in page.text.matches(of: /`(?:\w+\/)*(\w+\.swift)`/) {
                mentions += 1
                let isThere =
                    match.0.contains("/")
                    ? ProjectTree.has(String(match.0).replacing("`", with: ""))
                    : names.contains(String(match.1))
                #expect(isThere, "\(page.path): \(match.0)")
            }
        }
        #expect(mentions > 15)
    }

    /// 0001, 0002 and so on, without a gap, each in the list.
    @Test func `of decisions are numbered and listed`() throws {
        let pages = try ProjectTree.files(ending: ".md", in: "docs/decisions")
            .filter { $0.name != "README.md" }
        #expect(pages.count >= 7)
        let list = try ProjectTree.file("docs/decisions/README.md").text
        for page in pages {
            let number = try #require(page.name.firstMatch(of: /^([0-9]{4})-/), "\(page.path)")
            #expect(page.text.hasPrefix("# \(Int(number.1) ?? 0). "), "\(page.path)")
            #expect(list.contains("(\(page.name))"), "\(page.path) is not in the list")
        }
        #expect(Set(pages.map { $0.name.prefix(4) }).count == pages.count)
    }

    /// Each decision is read in the same order, and says whether it still holds.
    @Test func `of decisions have a status and the four sections in order`() throws {
        let required = ["Context", "Decision", "Consequences", "Evidence"]
        let pages = try ProjectTree.files(ending: ".md", in: "docs/decisions")
            .filter { $0.name != "README.md" }
        for page in pages {
            let status = page.lines.filter { $0.hasPrefix("**Status:** ") }
            #expect(status.count == 1, "\(page.path)")
            #expect(page.lines.dropFirst(2).first == status.first, "\(page.path)")
            #expect(Self.isStatus(status.first ?? ""), "\(page.path)")
            var sections = page.lines.filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
            if sections.count > 2, sections[2] == "Considered" { sections.remove(at: 2) }
            #expect(sections == required, "\(page.path)")
        }
    }

    /// The list repeats the status of each decision.
    @Test func `of decisions are listed with their status`() throws {
        let list = try ProjectTree.file("docs/decisions/README.md")
        let pages = try ProjectTree.files(ending: ".md", in: "docs/decisions")
            .filter { $0.name != "README.md" }
        for page in pages {
            let link = "[\(page.name.prefix(4))](\(page.name))"
            let row = list.lines.first { $0.hasPrefix("| \(link) |") } ?? ""
            let status = page.lines.first { $0.hasPrefix("**Status:** ") } ?? ""
            #expect(row.hasSuffix("| \(status.dropFirst(12)) |"), "\(page.path)")
        }
    }

    @Test(arguments: [
        ("**Status:** accepted", true),
        ("**Status:** accepted; the server superseded by [0017](0017-http-on-swiftnio.md)", true),
        ("**Status:** accepted; the server superseded by 0017", false),
        ("**Status:** accepted by all", false),
        ("", false),
    ])
    func `of decisions state a status that can be read`(line: String, isStatus: Bool) {
        #expect(Self.isStatus(line) == isStatus)
    }

    @Test func `resolve links as a reader does`() {
        let page = ProjectFile(
            path: "docs/a/b.md", text: "[x](../c.md#part) [y](https://x.test) [z](#z) ![i](i.png)")
        #expect(Self.links(in: page) == ["../c.md", "i.png"])
        #expect(Self.resolve("../c.md", from: page) == "docs/c.md")
        #expect(!ProjectTree.has("docs/no-such-page.md"))
    }

    /// `accepted`, or what of it a later decision supersedes, with a link to that decision.
    private static func isStatus(_ line: some StringProtocol) -> Bool {
        let form = /\*\*Status:\*\* accepted(; [^;]+ superseded by \[\d{4}\]\([a-z0-9-]+\.md\))*/
        return String(line).wholeMatch(of: form) != nil
    }

    private static func links(in page: ProjectFile) -> [String] {
        page.text.matches(of: /\]\(([^)\s]+)\)/).compactMap { match in
            guard !match.1.contains("://"), !match.1.hasPrefix("mailto:") else { return nil }
            let path = match.1.prefix { $0 != "#" }
            return path.isEmpty ? nil : String(path)
        }
    }

    private static func resolve(_ link: String, from page: ProjectFile) -> String {
        var parts = page.directory.split(separator: "/").map(String.init)
        for part in link.split(separator: "/") {
            switch part {
            case ".": break
            case "..": _ = parts.popLast()
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}
