/// What one line of an access log is.
enum AccessLogLine: Hashable, Sendable {
    /// One call. The host is exactly as written, in the case it was written in.
    case call(host: String)
    /// Not a call.
    /// - lineNumber: Counted from 1.
    /// - excerpt: At most the first 80 bytes, safe to print; see ``AccessLogReader``.
    case malformed(lineNumber: Int, excerpt: String, fault: AccessLogFault)
}
