/// A function that takes any number of keys, and one argument for each.
public struct RedisKeyedFunction: Hashable, Sendable {
    public let name: String
    /// Called by FCALL_RO.
    public let isReadOnly: Bool

    public init(_ name: String, isReadOnly: Bool = false) {
        self.name = name
        self.isReadOnly = isReadOnly
    }

    var command: String { isReadOnly ? "FCALL_RO" : "FCALL" }
}
