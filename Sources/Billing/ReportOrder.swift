/// The order of a report's rows, and how many of them are wanted.
public struct ReportOrder: Hashable, Sendable {
    /// A column by its name; equal rows come by subdomain, then id.
    public var column: String
    public var isDescending: Bool
    /// nil for all.
    public var top: Int64?

    public init(column: String = "subdomain", isDescending: Bool = false, top: Int64? = nil) {
        self.column = column
        self.isDescending = isDescending
        self.top = top
    }
}
