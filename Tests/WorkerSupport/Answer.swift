import Foundation

/// The body of any answer, read by another reader than the one that wrote it.
package struct Answer: Decodable {
    package struct Limit: Decodable {
        package let name: String
        package let limit, remaining, window_ms, reset_after_ms: Int64
        package let denied: Bool
        package let shadow: Bool?
    }
    package struct Usage: Decodable {
        package let month, resets_at: String
        package let used: Int64
        package let quota, remaining: Int64?
    }

    package let allowed: Bool?
    package let reason: String?
    package let reasons: [String]?
    package let limits: [Limit]
    package let usage: Usage
    package let retry_after_ms, admitted: Int64?
    package let would_deny: [String]?
    package let type, title, detail: String?
    package let status: Int?

    package init(_ reply: HTTPWire.Reply) throws {
        self = try JSONDecoder().decode(Answer.self, from: Data(reply.body.utf8))
    }
}
