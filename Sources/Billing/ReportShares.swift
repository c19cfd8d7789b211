/// How much of each limit is used, in whole hundredths, rounded down; nil where there is no limit.
public struct ReportShares: Hashable, Sendable {
    public var users: Int64?
    public var patients: Int64?
    public var apiCalls: Int64?
    public var storage: Int64?

    public init(
        users: Int64? = nil, patients: Int64? = nil, apiCalls: Int64? = nil, storage: Int64? = nil
    ) {
        self.users = users
        self.patients = patients
        self.apiCalls = apiCalls
        self.storage = storage
    }
}
