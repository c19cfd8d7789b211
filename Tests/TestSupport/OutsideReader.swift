import Foundation

/// Reads what the worker wrote with a program that is not of this project.
public enum OutsideReader {
    public typealias Run = (ending: RunningProcess.Ending, output: String, errors: String)

    /// A script below `Tests/Metrics`, with the packages of `Tests/requirements.txt`.
    public static func python(_ script: String, _ text: String) async throws -> Run {
        try await shell(
            #"scripts/python-tools >/dev/null && exec .local/python/bin/python "Tests/Metrics/$1" <"$2""#,
            script, text)
    }

    /// Prometheus's own checker is 100 MB big, so only continuous integration asks for it.
    public static let hasPromtool = ["/usr/bin", "/usr/local/bin"].contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/promtool")
    }

    public static func promtoolMetrics(_ text: String) async throws -> Run {
        try await shell(#"exec promtool check metrics <"$2""#, "", text)
    }

    private static func shell(_ line: String, _ word: String, _ text: String) async throws -> Run {
        let place = try TemporaryDirectory("outside reader")
        defer { place.remove() }
        let file = "\(place.path)/text"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return try await RunningProcess.run("sh", ["-euc", line, "sh", word, file])
    }
}
