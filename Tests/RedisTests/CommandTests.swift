import NIOCore
import TestSupport
import Testing

@testable import Redis

@Suite(.timed) struct `A command` {
    private func wire(_ command: RedisCommand) -> [UInt8] {
        var buffer = ByteBuffer()
        command.encode(into: &buffer)
        return Array(buffer.readableBytesView)
    }

    @Test func `is an array of strings on the wire`() {
        let get = RedisCommand("GET", ["a"])
        #expect(wire(get) == Array("*2\r\n$3\r\nGET\r\n$1\r\na\r\n".utf8))
        let ping = RedisCommand("PING")
        #expect(wire(ping) == Array("*1\r\n$4\r\nPING\r\n".utf8))
        let number = 7
        let mixed = RedisCommand(
            "X", ["", -1, .bytes([0, 13, 10]), "grün \(number)", .integer(.min)])
        let text =
            "*6\r\n$1\r\nX\r\n$0\r\n\r\n$2\r\n-1\r\n$3\r\n\0\r\n\r\n$7\r\ngrün 7\r\n"
            + "$20\r\n-9223372036854775808\r\n"
        #expect(wire(mixed) == Array(text.utf8))
    }

    @Test func `of any arguments is written as a plain description of RESP says`() {
        let seed = Seed.current("random commands")
        var random = SplitMix64(seed: seed)
        for _ in 0..<2000 {
            let arguments = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                RedisArgument.random(&random)
            }
            let command = RedisCommand("NAME", arguments)
            var expected = Array("*\(arguments.count + 1)\r\n$4\r\nNAME\r\n".utf8)
            for argument in arguments {
                let bytes = argument.plain
                expected += Array("$\(bytes.count)\r\n".utf8) + bytes + [13, 10]
            }
            #expect(wire(command) == expected, "seed \(seed)")
            #expect(expected.count <= command.encodedBytesMax, "seed \(seed)")
        }
    }
}

extension RedisArgument {
    fileprivate static func random(_ random: inout SplitMix64) -> RedisArgument {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 1: return .integer(Int64.random(in: -1000...1000, using: &random))
        case 2:
            return .string(String(repeating: "ß", count: Int.random(in: 0...200, using: &random)))
        default:
            let count = Int.random(in: 0...1200, using: &random)
            return .bytes((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }

    fileprivate var plain: [UInt8] {
        switch self {
        case .string(let text): Array(text.utf8)
        case .integer(let value): Array("\(value)".utf8)
        case .bytes(let bytes): bytes
        }
    }
}
