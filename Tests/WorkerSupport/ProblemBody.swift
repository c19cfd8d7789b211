import Foundation

/// The body of an error, which has these four members and no other.
package struct ProblemBody: Decodable, Equatable {
    package let type, title, detail: String
    package let status: Int

    package init(_ reply: HTTPWire.Reply) throws {
        self = try JSONDecoder().decode(ProblemBody.self, from: Data(reply.body.utf8))
    }

    /// The last part of its type.
    package var code: String { type.split(separator: ":").last.map(String.init) ?? "" }
}
