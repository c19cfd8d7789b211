/// A request with the parameters of its path.
public struct RouteCall: Sendable {
    public let request: APIRequest
    /// The value of each `{…}`, in order.
    public let parameters: [Substring]

    public var body: [UInt8] { request.body }
}
