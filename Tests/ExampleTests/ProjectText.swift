import Foundation
import TestSupport

/// A file of the project, as a person copies it.
enum ProjectText {
    static func of(_ path: String) throws -> String {
        try String(contentsOfFile: "\(ProjectRoot.path)/\(path)", encoding: .utf8)
    }
}
