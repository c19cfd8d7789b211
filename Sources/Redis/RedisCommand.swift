import NIOCore

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

/// A command and its arguments: `RedisCommand("FCALL", ["check", 1, .bytes(key), 5])`.
///
/// A command of two words is a name and an argument: `RedisCommand("FUNCTION", ["LIST"])`.
public struct RedisCommand: Sendable, Hashable {
    public let name: String
    public let arguments: [RedisArgument]

    public init(_ name: String, _ arguments: [RedisArgument] = []) {
        self.name = name
        self.arguments = arguments
    }
}

extension RedisCommand {
    /// An upper bound of the bytes ``encode(into:)`` writes.
    ///
    /// Each element costs its own bytes, `$`, at most 19 digits and two line ends.
    var encodedBytesMax: Int {
        arguments.reduce(48 + name.utf8.count) { sum, argument in
            switch argument {
            case .string(let text): sum + 24 + text.utf8.count
            case .integer: sum + 44
            case .bytes(let bytes): sum + 24 + bytes.count
            }
        }
    }

    /// Appends the command as RESP: `GET a` is `*2\r\n$3\r\nGET\r\n$1\r\na\r\n`.
    ///
    /// Written straight into the outgoing buffer: `redisFormatCommandArgv` builds a string of its own
    /// first, which costs an allocation and a copy for every command.
    func encode(into buffer: inout ByteBuffer) {
        buffer.writeHeader(UInt8(ascii: "*"), arguments.count + 1)
        buffer.writeBulk(name)
        for argument in arguments {
            switch argument {
            case .string(let text): buffer.writeBulk(text)
            case .integer(let value): buffer.writeBulk(String(value))
            case .bytes(let bytes):
                buffer.writeHeader(UInt8(ascii: "$"), bytes.count)
                buffer.writeBytes(bytes)
                buffer.writeLineEnd()
            }
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeHeader(_ kind: UInt8, _ count: Int) {
        writeInteger(kind)
        if count < 10 {
            writeInteger(UInt8(ascii: "0") + UInt8(count))
        } else {
            writeString(String(count))
        }
        writeLineEnd()
    }

    fileprivate mutating func writeBulk(_ text: String) {
        writeHeader(UInt8(ascii: "$"), text.utf8.count)
        writeString(text)
        writeLineEnd()
    }

    /// CR LF as one number in network order.
    fileprivate mutating func writeLineEnd() { writeInteger(UInt16(0x0D0A)) }
}
