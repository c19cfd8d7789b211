import Foundation
import TestSupport

/// A line for cron that a page offers, with the variables above it.
struct CronLine {
    /// Names of the variables that the block sets.
    let variables: [String]
    /// What stands behind the five fields.
    let command: String

    /// Those in blocks that are marked as `crontab`.
    static func all(in page: String) throws -> [CronLine] {
        let text = try ProjectText.of(page)
        return text.components(separatedBy: "```crontab\n").dropFirst().flatMap { part in
            let lines = part.components(separatedBy: "\n```")[0].components(separatedBy: "\n")
            let variables = lines.compactMap { $0.prefixMatch(of: /([A-Z_]+)=/) }
            return lines.compactMap { $0.wholeMatch(of: /(?:[0-9*\/,-]+ ){5}(\S.*)/) }.map {
                match in
                CronLine(
                    variables: variables.map { String($0.1) }, command: String(match.1))
            }
        }
    }

    /// For a shell that has these variables: an environment as empty as cron's, and its shell.
    ///
    /// `make install` did not run, so the program is the one that was built here.
    func asCronRunsIt() throws -> String {
        let built = try Product.path("").dropLast()
        let settings = (["HOME"] + variables).map { "\($0)=\"$\($0)\"" }.joined(separator: " ")
        let line = command.replacing("/usr/local/bin/", with: "\"\(built)\"/")
        return "env -i PATH=/usr/bin:/bin \(settings) /bin/sh -c '\(line)'"
    }
}
