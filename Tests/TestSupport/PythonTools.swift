import FoundationEssentials

/// The environment that scripts/python-tools makes.
public enum PythonTools {
    /// The directory of its programs.
    public static func directory() async throws -> String {
        let run = try await RunningProcess.run(
            "\(ProjectRoot.path)/scripts/python-tools", within: .seconds(600))
        guard run.ending == .exited(0) else {
            throw TestFailure("scripts/python-tools ended with \(run.ending): \(run.errors)")
        }
        return String(run.output.prefix { $0 != "\n" })
    }
}
