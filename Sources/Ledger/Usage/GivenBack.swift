/// What became of units that were to be given back.
public enum GivenBack: Hashable, Sendable {
    case written
    /// The key has given back these units before.
    case repeated(Int64)
    /// The month used no more than this.
    case moreThanUsed(Int64)
}
