import Counters
import Foundation
import Metering

@testable import MeteringWorker

/// The body of any answer, read by another reader than the one that wrote it.
struct Answer: Decodable {
    struct Limit: Decodable {
        let name: String
        let limit, remaining, window_ms, reset_after_ms: Int64
        let denied: Bool
        let shadow: Bool?
    }
    struct Usage: Decodable {
        let month, resets_at: String
        let used: Int64
        let quota, remaining: Int64?
    }

    let allowed: Bool?
    let reason: String?
    let reasons: [String]?
    let limits: [Limit]
    let usage: Usage
    let retry_after_ms, admitted: Int64?
    let would_deny: [String]?
    let type, title, detail: String?
    let status: Int?

    init(_ reply: HTTPWire.Reply) throws {
        self = try JSONDecoder().decode(Answer.self, from: Data(reply.body.utf8))
    }
}

/// The body of an error, which has these four members and no other.
struct ProblemBody: Decodable, Equatable {
    let type, title, detail: String
    let status: Int

    init(_ reply: HTTPWire.Reply) throws {
        self = try JSONDecoder().decode(ProblemBody.self, from: Data(reply.body.utf8))
    }

    /// The last part of its type.
    var code: String { type.split(separator: ":").last.map(String.init) ?? "" }
}

extension HTTPWorker {
    /// The month that Redis counts in.
    func month() async throws -> Month {
        let now = try await worker.counters.now()
        guard let month = Month(containing: now) else { throw NoMonth() }
        return month
    }
}

struct NoMonth: Error {}

extension Month {
    /// `2026-12-01T00:00:00Z` for November.
    var endText: String {
        get throws {
            guard let next else { throw NoMonth() }
            return "\(next)-01T00:00:00Z"
        }
    }
}
