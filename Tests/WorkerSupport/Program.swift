package import TestSupport

/// One of the programs of this package, run with no settings but the given ones.
package enum Program {
    package typealias Run = (ending: RunningProcess.Ending, output: String, errors: String)

    package static func run(
        _ call: [String], _ settings: [String: String] = [:]
    ) async throws -> Run {
        let names = ["DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"]
        var environment: [String: String?] = ["HTTP_PORT": "0", "LOG_LEVEL": nil]
        for name in names + names.map({ "\($0)_FILE" }) { environment[name] = .some(nil) }
        for (name, value) in settings { environment[name] = value }
        return try await RunningProcess.run(
            try Product.path(call[0]), Array(call.dropFirst()), environment: environment,
            within: .seconds(60))
    }
}
