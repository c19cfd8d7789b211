import HTTPServer

/// The document of a decision as bytes, without an encoder: a worker answers some ten thousand
/// checks a second. A test compares it, byte for byte, with what the encoder makes of the same
/// document.
extension DecisionDocument {
    /// With a newline at the end, the members in the order of their names.
    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.object(write)
        writer.newline()
        return writer.bytes
    }

    private func write(_ writer: inout JSONWriter) {
        if let admitted { writer.member("admitted", admitted) }
        writer.member("allowed", allowed)
        writer.member("clinic_id", clinic_id)
        if let degraded { writer.member("degraded", degraded) }
        if let detail { writer.member("detail", detail) }
        writer.name("limits")
        writer.list(limits) { writer, limit in writer.object(limit.write) }
        if let reason { writer.member("reason", reason) }
        writer.name("reasons")
        writer.list(reasons) { $0.text($1) }
        if let remembered { writer.member("remembered", remembered) }
        if let repeated { writer.member("repeated", repeated) }
        if let retry_after_ms { writer.member("retry_after_ms", retry_after_ms) }
        if let status { writer.member("status", Int64(status)) }
        if let title { writer.member("title", title) }
        if let type { writer.member("type", type) }
        writer.name("usage")
        writer.object(usage.write)
        if let would_deny {
            writer.name("would_deny")
            writer.list(would_deny) { $0.text($1) }
        }
    }
}

extension DecisionDocument.Limit {
    fileprivate func write(_ writer: inout JSONWriter) {
        writer.member("denied", denied)
        writer.member("limit", limit)
        writer.member("name", name)
        writer.member("remaining", remaining)
        writer.member("reset_after_ms", reset_after_ms)
        if let shadow { writer.member("shadow", shadow) }
        writer.member("window_ms", window_ms)
    }
}

extension DecisionDocument.Usage {
    fileprivate func write(_ writer: inout JSONWriter) {
        writer.member("month", month)
        writer.member("quota", orNull: quota)
        writer.member("remaining", orNull: remaining)
        writer.member("resets_at", resets_at)
        writer.member("used", used)
    }
}

extension APIResponse {
    /// The response to a decided check.
    init(_ document: DecisionDocument) {
        self.init(
            status: document.status ?? 200,
            type: document.allowed ? "application/json" : "application/problem+json",
            bytes: document.bytes)
    }
}
