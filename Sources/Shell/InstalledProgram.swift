import FoundationEssentials
import Glibc
import SystemPackage

/// A program of this release that is installed beside the running one.
public enum InstalledProgram {
    public struct Missing: Error, CustomStringConvertible {
        let name: String
        let directory: String

        public var description: String {
            "\(name) is not in \(directory), where this program is; install both with make "
                + "install, or build it with swift build --product \(name)"
        }
    }

    public struct NotStarted: Error, CustomStringConvertible {
        let path: String
        let reason: Errno

        public var description: String {
            "\(path) cannot be started: \(reason); install it again with make install"
        }
    }

    /// Where the running program is; symbolic links are followed.
    public static var directory: String {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return FilePath(program ?? "/").removingLastComponent().string
    }

    /// The path of a program, which exists and is executable.
    public static func path(_ name: String) throws(Missing) -> String {
        let path = "\(directory)/\(name)"
        guard access(path, X_OK) == 0 else { throw Missing(name: name, directory: directory) }
        return path
    }

    /// Replaces this process with a program. It returns only with an error.
    public static func become(_ name: String, _ arguments: [String]) throws -> Never {
        let path = try path(name)
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        // What this thread blocks and ignores would outlive execv: the program could not be ended
        // by a terminal that closes.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        signal(SIGPIPE, SIG_DFL)
        execv(path, words)
        throw NotStarted(path: path, reason: Errno(rawValue: errno))
    }
}
