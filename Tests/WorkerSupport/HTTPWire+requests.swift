extension HTTPWire {
    /// The text of a request with this body.
    package static func request(
        _ method: String, _ path: String, body: String = "", key: String?
    ) -> String {
        let authorization = key.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        return "\(method) \(path) HTTP/1.1\r\nHost: test\r\n\(authorization)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    package mutating func get(_ path: String) async throws -> Reply {
        try await send(Self.request("GET", path, key: nil))
        return try await reply()
    }

    /// One call of a clinic.
    package mutating func check(_ clinic: String, key: String) async throws -> Reply {
        try await send(check: clinic, key: key)
        return try await reply()
    }

    /// Sends a call and leaves its reply for `reply`.
    package func send(check clinic: String, key: String) async throws {
        try await send(
            Self.request("POST", "/v1/check", body: #"{"clinic_id":"\#(clinic)"}"#, key: key))
    }
}
