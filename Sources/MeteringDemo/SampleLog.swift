import FoundationEssentials
import Shell

/// The sample traffic that comes with the program.
enum SampleLog {
    struct Missing: Error, CustomStringConvertible {
        var description: String {
            "the sample log Examples/access.log is not here; run the demo in the project's "
                + "directory, or name a log with --access-log FILE"
        }
    }

    /// Beside the caller in the project, or where `make install` puts it.
    static func path() throws(Missing) -> String {
        let installed = "\(InstalledProgram.directory)/../share/metering-worker/access.log"
        let places = ["Examples/access.log", installed]
        guard let path = places.first(where: FileManager.default.fileExists(atPath:)) else {
            throw Missing()
        }
        return path
    }
}
