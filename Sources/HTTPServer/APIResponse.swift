import FoundationEssentials

/// A response as bytes and fields, independent of a server framework.
public struct APIResponse: Sendable {
    public var status: Int
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int, json body: some Encodable) {
        self.init(status: status, type: "application/json", body)
    }

    public init(status: Int, problem body: some Encodable) {
        self.init(status: status, type: "application/problem+json", body)
    }

    /// A response without a body.
    public init(status: Int) {
        self.status = status
        fields = [("Cache-Control", "no-store")]
        body = []
    }

    /// A response whose bytes are ready.
    public init(status: Int, type: String, bytes: [UInt8]) {
        (self.status, body) = (status, bytes)
        fields = [("Content-Type", type), ("Cache-Control", "no-store")]
    }

    private init(status: Int, type: String, _ body: some Encodable) {
        self.init(status: status, type: type, bytes: Self.bytes(body))
    }

    /// With sorted names and a newline at the end.
    public static func bytes(_ body: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try Array(encoder.encode(body)) + [UInt8(ascii: "\n")]
        } catch {
            // Only a float that is not a number cannot be encoded, and there are no floats.
            preconditionFailure("a response that cannot be encoded: \(error)")
        }
    }
}
