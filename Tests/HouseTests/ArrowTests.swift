import Foundation
import TestSupport
import Testing

/// Who may import whom, as `Package.swift` says it.
struct Manifest {
    /// By target of the product: the modules that it may import.
    private(set) var arrows: [String: Set<String>] = [:]
    /// By kit, which several test targets share: the modules that it may import.
    private(set) var kits: [String: Set<String>] = [:]
    /// By test target: the modules that it may import.
    private(set) var tests: [String: Set<String>] = [:]

    init(_ text: String) throws {
        var modules: [String: String] = [:]
        for match in text.matches(of: /static let (\w+) = product\(\s*name: "(\w+)"/) {
            modules[String(match.1)] = String(match.2)
        }
        for match in text.matches(
            of: /\b(module|program|kit|tests)\(\s*"(\w+)",\s*\[([^\]]*)\]/)
        {
            let names = match.3.split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let arrow = Set(
                try names.filter { !$0.isEmpty }.map { name in
                    if name.hasPrefix("\"") { return String(name.dropFirst().dropLast()) }
                    return try #require(modules[String(name.dropFirst())], "\(name)")
                })
            switch match.1 {
            case "kit": kits[String(match.2)] = arrow
            case "tests": tests[String(match.2)] = arrow
            default: arrows[String(match.2)] = arrow
            }
        }
    }
}

@Suite(.timed) struct `Arrows between targets` {
    private static let standard: Set<String> = [
        "Swift", "Foundation", "FoundationEssentials", "Glibc", "Synchronization",
    ]
    private static let targets = "## What each target may import"
    private static let testTargets = "## Targets of tests"

    @Test func `are drawn in ARCHITECTURE.md as Package.swift has them`() throws {
        let manifest = try Manifest(ProjectTree.file("Package.swift").text)
        #expect(manifest.arrows.count == 16)
        let drawn = try Self.rows(under: Self.targets)
        for target in Set(manifest.arrows.keys).union(drawn.keys).sorted() {
            #expect(drawn[target] == manifest.arrows[target], "\(target)")
        }
    }

    /// The build refuses these too; here the breach is named in a sentence.
    @Test func `are the imports of the sources`() throws {
        let manifest = try Manifest(ProjectTree.file("Package.swift").text)
        let files = try ProjectTree.files(ending: ".swift", in: "Sources")
        var imports = 0
        for file in files {
            let target = try #require(file.target)
            let allowed = try #require(manifest.arrows[target], "\(target)").union(Self.standard)
            for module in Self.imports(of: file) {
                imports += 1
                #expect(allowed.contains(module), "\(file.path) imports \(module)")
            }
        }
        #expect(imports > 300)
    }

    @Test func `of the tests are drawn in ARCHITECTURE.md too`() throws {
        let manifest = try Manifest(ProjectTree.file("Package.swift").text)
        let drawn = try Self.rows(under: Self.testTargets)
        for kit in manifest.kits.keys.sorted() {
            #expect(drawn[kit] == manifest.kits[kit], "\(kit)")
        }
        // A test target is named after what it tests, or has a row that says it.
        for target in manifest.tests.keys.sorted() {
            let name = target.dropLast("Tests".count)
            let isNamed = [String(name), "\(name)s"].contains {
                manifest.arrows[$0] != nil || manifest.kits[$0] != nil
            }
            #expect(isNamed != (drawn[target] != nil), "\(target)")
        }
        #expect(Set(drawn.keys).isSubset(of: [String](manifest.kits.keys) + manifest.tests.keys))
    }

    @Test func `of the tests are the imports of their files`() async throws {
        let manifest = try Manifest(ProjectTree.file("Package.swift").text)
        let declared = manifest.kits.merging(manifest.tests) { $1 }
        for file in try ProjectTree.files(ending: ".swift", in: "Tests") {
            // Thousands of lines take seconds, and other tests need this thread too.
            await Task.yield()
            let folder = String(file.path.split(separator: "/")[1])
            let allowed = try #require(declared[folder], "\(file.path) is in no target")
            for module in Self.imports(of: file) {
                #expect(
                    allowed.union(Self.standard).union(["Testing"]).contains(module),
                    "\(file.path) imports \(module)")
            }
            // A release build has no `@testable`, and it compiles the kits.
            let isKit = manifest.kits[folder] != nil
            #expect(!isKit || !file.text.contains("@testable"), "\(file.path)")
        }
    }

    @Test func `lead to each C library from one target only`() throws {
        let files = try ProjectTree.files(ending: ".swift", in: "Sources")
        for (library, target) in [("CHiredis", "Redis"), ("CPostgres", "Postgres")] {
            let importers = files.filter { Self.imports(of: $0).contains(library) }
            #expect(Set(importers.map(\.target)) == [target])
        }
    }

    @Test func `leave the domain free of stores and servers`() throws {
        let manifest = try Manifest(ProjectTree.file("Package.swift").text)
        #expect(manifest.arrows["Values"] == [])
        #expect(manifest.arrows["Metering"] == ["Values"])
        #expect(manifest.arrows["Quotas"] == ["Metering", "Values"])
        #expect(manifest.arrows["Billing"] == ["Metering", "Values"])
        #expect(manifest.arrows["Admission"] == ["Quotas", "Metering", "Values"])
    }

    private static func imports(of file: ProjectFile) -> [String] {
        // The word first: an expression asked of each line of all sources takes seconds.
        file.lines.filter { $0.contains("import ") }.compactMap { line in
            guard let match = line.wholeMatch(of: /(?:@\w+ )?(?:public |package )?import (\w+)/)
            else {
                return nil
            }
            return String(match.1)
        }
    }

    /// The rows of the tables under a heading: a target, and what its second cell names.
    private static func rows(under heading: String) throws -> [String: Set<String>] {
        let page = try ProjectTree.file("ARCHITECTURE.md")
        let start = try #require(page.text.range(of: heading))
        var arrows: [String: Set<String>] = [:]
        for line in page.text[start.upperBound...].prefix(upTo: "\n## ").split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count >= 2, cells[0].hasPrefix("`") else { continue }
            let target = cells[0].replacing("`", with: "")
            arrows[target] = Set(cells[1].matches(of: /`(\w+)`/).map { String($0.1) })
        }
        return arrows
    }
}

extension Substring {
    /// Everything before the first `end`, or all of it.
    fileprivate func prefix(upTo end: String) -> Substring {
        range(of: end).map { self[..<$0.lowerBound] } ?? self
    }
}
