/// What the server answered: the six kinds of RESP2.
public enum RedisReply: Sendable, Hashable {
    case string([UInt8])
    case status(String)
    case error(RedisServerError)
    case integer(Int64)
    case array([RedisReply])
    /// A missing string (`$-1`) or a missing array (`*-1`).
    case null
}

extension RedisReply {
    /// The text of a string or status; bytes that are not UTF-8 become U+FFFD.
    public var text: String? {
        switch self {
        case .string(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// An integer, or a string or status of decimal digits that fits 64 bits.
    public var int: Int64? {
        switch self {
        case .integer(let value): value
        default: text.flatMap { Int64($0) }
        }
    }

    public var bytes: [UInt8]? {
        guard case .string(let bytes) = self else { return nil }
        return bytes
    }

    public var elements: [RedisReply]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    public var serverError: RedisServerError? {
        guard case .error(let error) = self else { return nil }
        return error
    }
}
