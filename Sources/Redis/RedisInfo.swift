/// What `INFO` says, as `field:value` lines; headings and empty lines are skipped.
///
/// Managed Redis hides CONFIG and ACL, so what we must know about a server is read from here.
public struct RedisInfo: Sendable, Hashable {
    private let fields: [String: String]

    public init(_ text: String) {
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
        }
        self.fields = fields
    }

    /// The value of any field, `nil` when the server did not send it.
    public subscript(field: String) -> String? { fields[field] }

    /// `7.0.15`
    public var version: String? { fields["redis_version"] }
    /// 7 for `7.0.15`.
    public var majorVersion: Int? { version?.split(separator: ".").first.flatMap { Int($0) } }
    /// `noeviction`, `allkeys-lru`…
    public var maxmemoryPolicy: String? { fields["maxmemory_policy"] }
    /// 40 hex digits that change when the data set may have gone back.
    public var masterReplid: String? { fields["master_replid"] }
    /// Whether every write goes to an append-only file.
    public var aofEnabled: Bool { fields["aof_enabled"] == "1" }
    /// `master` or `slave`, in the server's own words.
    public var role: String? { fields["role"] }
    /// Whether the server still reads its data from disk.
    public var isLoading: Bool { fields["loading"] == "1" }
}
