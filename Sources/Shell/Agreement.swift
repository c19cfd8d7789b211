public import ArgumentParser

/// The option of a command that asks before it does what is hard to take back.
///
/// Such a command first prints whom it would touch.
public struct Agreement: ParsableArguments {
    @Flag(help: "Do it without asking. Needed where there is no terminal.")
    public var yes = false

    public init() {}

    /// Returns when the operator agrees; otherwise throws, and nothing may change.
    ///
    /// - Parameter question: Without the question mark: `Revoke key 3`.
    public func require(_ question: String) throws(NotAgreed) {
        guard !yes else { return }
        switch Console.asks("\(question)?") {
        case true?: return
        case false?: throw NotAgreed(wasAsked: true)
        case nil: throw NotAgreed(wasAsked: false)
        }
    }
}
