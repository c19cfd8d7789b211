import FoundationEssentials
import Subprocess
import SystemPackage

/// A program that does one thing and ends: `initdb`, `pg_isready`, `psql`.
struct Tool: Sendable {
    let program: String
    /// Put in front of the program, such as `setpriv` and its options.
    var prefix: [String] = []
    /// The program's environment; see `Environment.only`. No PGHOST of the caller gets in the way.
    var environment: [String: String] = [:]
    var deadline: Duration = .seconds(60)
    /// Bytes of output kept of each kind; more is an error.
    var outputLimit = 16 << 20

    /// What a program left behind.
    struct Outcome: Sendable {
        let status: TerminationStatus
        let output: String
        let errors: String

        var isSuccess: Bool { status.isSuccess }
    }

    /// Runs the program to its end and returns what it printed on standard output.
    func run(
        _ arguments: [String], input: String = ""
    ) async throws(LocalServersError) -> String {
        let outcome = try await outcome(of: arguments, input: input)
        guard outcome.isSuccess else {
            throw .programFailed(
                program, status: "\(outcome.status)", output: outcome.errors + outcome.output)
        }
        return outcome.output
    }

    /// Runs the program to its end, however it ends. At the deadline it is killed.
    func outcome(
        of arguments: [String], input: String = ""
    ) async throws(LocalServersError) -> Outcome {
        let words = prefix + [program] + arguments
        do {
            return try await withThrowingTaskGroup(of: Outcome?.self) { group in
                group.addTask { try await launch(words, input: input) }
                group.addTask {
                    try await Task.sleep(for: deadline)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let outcome = first else {
                    throw LocalServersError.programFailed(
                        program, status: "no end within \(deadline)", output: "")
                }
                return outcome
            }
        } catch let error as LocalServersError {
            throw error
        } catch {
            throw .programFailed(program, status: "\(error)", output: "")
        }
    }

    /// The working directory is `/`: the caller's own may be closed to the account a program runs
    /// as.
    private func launch(_ words: [String], input: String) async throws -> Outcome {
        let result = try await Subprocess.run(
            .path(FilePath(words[0])),
            arguments: Arguments(Array(words.dropFirst())),
            environment: .only(environment),
            workingDirectory: "/",
            input: .string(input),
            output: .string(limit: outputLimit),
            error: .string(limit: outputLimit))
        return Outcome(
            status: result.terminationStatus, output: result.standardOutput,
            errors: result.standardError)
    }
}
