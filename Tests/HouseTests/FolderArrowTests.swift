import Foundation
import TestSupport
import Testing

/// Which folders of a target use which, by the types that their files declare and name.
struct FolderArrows {
    /// By folder: the folders whose types its files name.
    private(set) var used: [String: Set<String>] = [:]
    /// A file and a type that make each arrow, for a person.
    private(set) var examples: [String: String] = [:]

    /// - Parameter files: By the folder they are in.
    init(_ files: [String: [ProjectFile]]) {
        var homes: [String: String] = [:]
        for (folder, files) in files {
            used[folder] = []
            for type in files.flatMap(Self.declared) { homes[type] = folder }
        }
        for (folder, files) in files {
            for file in files {
                for type in Self.named(in: file) {
                    guard let home = homes[type], home != folder else { continue }
                    used[folder, default: []].insert(home)
                    examples["\(folder) → \(home)"] = "\(file.name) names \(type)"
                }
            }
        }
    }

    /// Folders that lead back to themselves.
    var circles: [String] {
        used.keys.filter { reach(from: $0).contains($0) }.sorted()
    }

    private func reach(from folder: String) -> Set<String> {
        var (found, open) = (Set<String>(), used[folder] ?? [])
        while let next = open.popFirst() {
            guard found.insert(next).inserted else { continue }
            open.formUnion(used[next] ?? [])
        }
        return found
    }

    /// Types at the left margin that other files can name.
    private static func declared(by file: ProjectFile) -> [String] {
        file.code.compactMap { line in
            guard let first = line.text.first, first.isLetter,
                let match = line.text.prefixMatch(
                    of:
                        /(?:(?:public|package|final|indirect) )*(?:struct|class|enum|actor|protocol|typealias) (\w+)/
                )
            else { return nil }
            return String(match.1)
        }
    }

    /// Words of code that begin with a capital, but for what stands in quotation marks.
    private static func named(in file: ProjectFile) -> Set<String> {
        var words: Set<String> = []
        for line in file.code {
            let outside = line.text.split(separator: "\"", omittingEmptySubsequences: false)
                .enumerated().filter { $0.offset.isMultiple(of: 2) }
            for part in outside {
                for word in part.element.split(whereSeparator: { !$0.isLetter && !$0.isNumber })
                where word.first?.isUppercase == true { words.insert(String(word)) }
            }
        }
        return words
    }
}

@Suite(.timed) struct `Arrows between folders of MeteringWorker` {
    @Test func `are drawn in ARCHITECTURE.md as the sources have them`() throws {
        let arrows = FolderArrows(try Self.files())
        let drawn = try Self.drawn()
        #expect(arrows.used.count > 8)
        for folder in Set(arrows.used.keys).union(drawn.keys).sorted() {
            let used = arrows.used[folder]
            let example = (used ?? []).subtracting(drawn[folder] ?? []).sorted().map {
                "\(folder) → \($0): \(arrows.examples["\(folder) → \($0)"] ?? "")"
            }
            #expect(drawn[folder] == used, "\(folder): \(example)")
        }
    }

    @Test func `lead nowhere back`() throws {
        #expect(FolderArrows(try Self.files()).circles == [])
    }

    @Test func `are found where a file names a type of another folder`() {
        let arrows = FolderArrows([
            "A": [
                ProjectFile(path: "A/a.swift", text: "struct One {\n    let two: Two? // Three\n}")
            ],
            "B": [ProjectFile(path: "B/b.swift", text: "final class Two {\n let one = \"One\"\n}")],
            "C": [ProjectFile(path: "C/c.swift", text: "public enum Three {}\nlet x = Two(One())")],
        ])
        #expect(arrows.used == ["A": ["B"], "B": [], "C": ["A", "B"]])
        #expect(arrows.circles == [])
        let circle = FolderArrows([
            "A": [ProjectFile(path: "A/a.swift", text: "struct One { var two: [Two] }")],
            "B": [ProjectFile(path: "B/b.swift", text: "actor Two { let three: Three }")],
            "C": [ProjectFile(path: "C/c.swift", text: "protocol Three {}\nlet x: One?")],
            "D": [ProjectFile(path: "D/d.swift", text: "let x: One?")],
        ])
        #expect(circle.circles == ["A", "B", "C"])
    }

    /// Files that are in no folder hold the program's `main` and may use all.
    private static func files() throws -> [String: [ProjectFile]] {
        let files = try ProjectTree.files(ending: ".swift", in: "Sources/MeteringWorker")
        let inFolders = files.filter { $0.path.split(separator: "/").count == 4 }
        #expect(inFolders.count >= files.count - 1)
        return Dictionary(grouping: inFolders) { String($0.path.split(separator: "/")[2]) }
    }

    /// The rows of the table under the heading "Folders of MeteringWorker".
    private static func drawn() throws -> [String: Set<String>] {
        let page = try ProjectTree.file("ARCHITECTURE.md").text
        let start = try #require(page.range(of: "## Folders of MeteringWorker"))
        let section = page[start.upperBound...]
        let end = section.range(of: "\n## ")?.lowerBound ?? section.endIndex
        var arrows: [String: Set<String>] = [:]
        for line in section[..<end].split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 3, cells[0].hasPrefix("`") else { continue }
            arrows[cells[0].replacing("`", with: "")] = Set(
                cells[2].matches(of: /`(\w+)`/).map { String($0.1) })
        }
        return arrows
    }
}
