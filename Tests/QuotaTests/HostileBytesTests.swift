import Metering
import TestSupport
import Testing

@testable import Quotas

@Suite(.timed) struct `Bytes from Redis` {
    @Test func `are refused when a number is larger than any of ours`() throws {
        var reply = CounterReply.noAnswer(.miss, now: 5)
        #expect(CounterReply(decoding: reply.encoded) != nil)
        for number in [Int64.max, 1 << 53, -2] {
            reply.now = number
            #expect(CounterReply(decoding: reply.encoded) == nil)
        }
    }

    /// A hostile Redis answers anything: it is refused or read, never a trap.
    @Test func `never trap, whatever they are`() async throws {
        let name = "hostile bytes"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 10)
        let sample = try #require(
            CounterReply.noAnswer(.miss, now: 5).encoded as [UInt8]?)
        while await box.hasTime {
            var bytes = Bool.random(using: &random) ? sample : []
            let extra = Int.random(in: 0...400, using: &random)
            bytes += (0..<extra).map { _ in UInt8.random(in: 0...255, using: &random) }
            if !bytes.isEmpty, Bool.random(using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                    in: 0...255, using: &random)
                bytes[0] = 1
            }
            if let reply = CounterReply(decoding: bytes) {
                #expect(reply.encoded.count == bytes.count)
            }
            if let value = CounterValue(decoding: bytes) {
                #expect(value.encoded.count == bytes.count)
            }
        }
        box.report()
    }
}
