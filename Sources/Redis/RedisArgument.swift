/// One argument of a command. Every kind is sent as a bulk string, so any byte is safe in it.
public enum RedisArgument: Sendable, Hashable {
    case string(String)
    case integer(Int64)
    case bytes([UInt8])

    public init(_ text: String) { self = .string(text) }
    public init(_ value: Int) { self = .integer(Int64(value)) }
    public init(_ value: Int64) { self = .integer(value) }
    public init(_ bytes: [UInt8]) { self = .bytes(bytes) }
}

extension RedisArgument: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
}
