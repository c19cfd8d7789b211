import FoundationEssentials

/// The directory of `Package.swift`.
public enum ProjectRoot {
    public static let path: String = {
        // Tests/TestSupport/ProjectFiles.swift lies three levels below it.
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/")
    }()
}

/// The programs of this package, built with the tests.
public enum Product {
    /// The path of a product, such as `metering-worker`: it lies beside the running test program.
    public static func path(_ name: String) throws -> String {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let directory = own.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(directory)/\(name)"
    }
}

/// A new directory in `$TMPDIR`; `remove` ends it.
public struct TemporaryDirectory: Sendable {
    public let path: String

    /// - Parameter name: The end of its name; may hold blanks.
    public init(_ name: String = "test") throws {
        let named = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
        let place = named.hasPrefix("/") ? named : "/tmp"
        path = "\(place)/metering-test-\(UInt64.random(in: 0...UInt64.max)) \(name)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
    }

    public func remove() { try? FileManager.default.removeItem(atPath: path) }
}
