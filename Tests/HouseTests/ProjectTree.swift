import Foundation
import TestSupport
import Testing

/// A text file of the project.
struct ProjectFile: Sendable, CustomTestStringConvertible {
    /// From the directory of `Package.swift` on, such as `Sources/Quotas/Rules/RateLimit.swift`.
    let path: String
    let text: String

    var testDescription: String { path }
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    var directory: String { path.split(separator: "/").dropLast().joined(separator: "/") }
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The target under `Sources`; nil elsewhere.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// The lines without what stands behind `//`, with their numbers.
    var code: [(number: Int, text: Substring)] {
        lines.enumerated().map { index, line in
            let trimmed = line.drop { $0 == " " }
            if trimmed.hasPrefix("//") { return (index + 1, "") }
            guard line.utf8.contains(UInt8(ascii: "/")) else { return (index + 1, line) }
            let comment = line.range(of: " // ")
            return (index + 1, comment.map { line[..<$0.lowerBound] } ?? line)
        }
    }
}

/// What the project holds, apart from what is built and what a run leaves behind.
enum ProjectTree {
    private static let passedOver: Set<String> = [".build", ".git", ".local"]

    /// Every file whose name ends in `ending`, by path.
    /// - Parameter directory: Where to look; empty is everywhere.
    static func files(ending: String, in directory: String = "") throws -> [ProjectFile] {
        let place = directory.isEmpty ? ProjectRoot.path : "\(ProjectRoot.path)/\(directory)"
        let names = try FileManager.default.contentsOfDirectory(atPath: place).sorted()
        return try names.flatMap { name -> [ProjectFile] in
            let path = directory.isEmpty ? name : "\(directory)/\(name)"
            guard !passedOver.contains(name), !name.hasPrefix(".build") else { return [] }
            var isDirectory: ObjCBool = false
            guard
                FileManager.default.fileExists(
                    atPath: "\(place)/\(name)", isDirectory: &isDirectory)
            else { return [] }
            if isDirectory.boolValue { return try files(ending: ending, in: path) }
            return name.hasSuffix(ending) ? [try file(path)] : []
        }
    }

    static func file(_ path: String) throws -> ProjectFile {
        let bytes = try Data(contentsOf: URL(filePath: "\(ProjectRoot.path)/\(path)"))
        return ProjectFile(path: path, text: String(decoding: bytes, as: UTF8.self))
    }

    static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(ProjectRoot.path)/\(path)")
    }
}
