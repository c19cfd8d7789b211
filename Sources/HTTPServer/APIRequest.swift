/// A whole request, independent of a server framework.
public struct APIRequest: Sendable {
    public let method: String
    /// Percent-encoded, without the query.
    public let path: String
    /// The part after `?`, percent-encoded; nil without one.
    public var query: String?
    /// In the order of arrival; names are case-insensitive.
    public var fields: [(name: String, value: String)] = []
    public var body: [UInt8] = []
    /// Whether the body was longer than its route allows; then `body` is empty.
    public var isBodyTooLarge = false
    /// The body's share of the budget, held as long as the body when that is large.
    var share: BodyBudget.Share?

    public init(
        method: String, path: String, query: String? = nil,
        fields: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        (self.method, self.path, self.query) = (method, path, query)
        (self.fields, self.body) = (fields, body)
    }

    /// The field's value, or nil when it is absent or was sent more than once.
    ///
    /// - Parameter name: In lower case.
    public func field(_ name: String) -> String? {
        var found: String?
        let length = name.utf8.count
        for field in fields
        where field.name.utf8.count == length && field.name.lowercased() == name {
            guard found == nil else { return nil }
            found = field.value
        }
        return found
    }
}
