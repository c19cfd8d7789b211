/// One of the roles of metering.
public struct RoleFacts: Hashable, Sendable {
    public let name: String
    public let isThere: Bool
    /// Logins that have its rights, five at most.
    public let logins: [String]

    public init(name: String, isThere: Bool, logins: [String]) {
        (self.name, self.isThere, self.logins) = (name, isThere, logins)
    }
}
