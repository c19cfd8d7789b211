public import ArgumentParser
import Glibc
import Logging
import SystemPackage

/// One run of a program. `Outcome` says what its exit code means.
public enum CommandRun {
    /// Parses the arguments, runs the command and ends the process.
    ///
    /// A failure is one line on stderr. A reader that closes the pipe early, as `head` does, is no
    /// failure.
    @concurrent
    public static func end<Root: AsyncParsableCommand>(_ root: Root.Type) async -> Never {
        // A write to a closed pipe then returns an error instead of killing the process.
        signal(SIGPIPE, SIG_IGN)
        let program = root._commandName
        let command: any ParsableCommand
        do {
            let check = CommandLineCheck(root: root)
            if let problem = check.problem(in: Array(CommandLine.arguments.dropFirst())) {
                throw ValidationError(problem)
            }
            command = try await root.asyncParseAsRoot()
        } catch {
            leave(closing(root, with: error, program: program))
        }
        leave(await run(command, of: root, program: program))
    }

    /// Ends the process at once. `exit` would first free what libraries share, while their threads
    /// may still use it.
    private static func leave(_ outcome: Outcome) -> Never {
        fflush(nil)
        _exit(outcome.rawValue)
    }

    @concurrent
    private static func run<Root: AsyncParsableCommand>(
        _ command: any ParsableCommand, of root: Root.Type, program: String
    ) async -> Outcome {
        var command = command
        do {
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
            return .done
        } catch Errno.brokenPipe {
            return .done
        } catch {
            return closing(root, with: error, program: program)
        }
    }

    /// Prints why the run ended.
    private static func closing<Root: AsyncParsableCommand>(
        _ root: Root.Type, with error: any Error, program: String
    ) -> Outcome {
        switch root.exitCode(for: error) {
        case .success:
            try? Console.write(root.fullMessage(for: error) + "\n")
            return .done
        case .validationFailure:
            Console.note(root.fullMessage(for: error))
            return .wrongUsage
        default: break
        }
        if let outcome = error as? Outcome { return outcome }
        Console.note("\(program): \(Console.oneLine("\(error)"))", level: .error)
        return Outcome(error)
    }
}
