import FoundationEssentials
package import Subprocess

extension Environment {
    /// Only these variables, so that no setting of the caller affects a server.
    ///
    /// `LD_PRELOAD` is passed on: with an allocator or a clock that differs from its parent's, a
    /// program would not be the one that the caller meant.
    package static func only(_ variables: [String: String]) -> Environment {
        let inherited = ProcessInfo.processInfo.environment.filter { $0.key == "LD_PRELOAD" }
        let all = inherited.merging(variables) { _, given in given }
        return .custom(
            Dictionary(
                uniqueKeysWithValues: all.map { (Key(stringLiteral: $0.key), $0.value) }))
    }
}
