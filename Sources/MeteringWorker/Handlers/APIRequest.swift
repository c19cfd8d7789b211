/// A request as it arrived whole, free of any server framework.
struct APIRequest: Sendable {
    let method: String
    /// Percent-encoded, without the query.
    let path: String
    /// What stands behind `?`, percent-encoded; nil without one.
    var query: String?
    /// In the order in which they came; names are free in their case.
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Whether the body was longer than its route takes; then `body` is empty.
    var isBodyTooLarge = false
    /// Held as long as the body is, when that is large.
    var room: BodyBudget.Share?

    /// The field's value, or nil when it is absent or was sent more than once.
    ///
    /// - Parameter name: In lower case.
    func field(_ name: String) -> String? {
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
