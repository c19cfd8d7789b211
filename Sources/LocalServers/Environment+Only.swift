import FoundationEssentials
package import Subprocess

extension Environment {
    /// These variables alone, so that no setting of the caller gets in a server's way.
    ///
    /// What is preloaded into this process (`LD_PRELOAD`) goes along: with an allocator or a clock that differs from
    /// its parent's, a program would be another one than the caller asked for.
    package static func only(_ variables: [String: String]) -> Environment {
        let inherited = ProcessInfo.processInfo.environment.filter { $0.key == "LD_PRELOAD" }
        let all = inherited.merging(variables) { _, given in given }
        return .custom(
            Dictionary(
                uniqueKeysWithValues: all.map { (Key(stringLiteral: $0.key), $0.value) }))
    }
}
