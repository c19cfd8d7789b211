/// A request together with what its path named.
public struct RouteCall: Sendable {
    public let request: APIRequest
    /// What stood in the place of each `{…}`, in their order.
    public let parameters: [Substring]

    public var body: [UInt8] { request.body }
}
