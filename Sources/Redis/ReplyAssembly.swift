/// Puts one reply together from the pieces the parser meets, and refuses what is too much.
///
/// Arrays grow as their elements arrive; an announced length reserves no more than a few places, so
/// `*1000000000` costs its sender more than us.
final class ReplyAssembly {
    private struct OpenArray {
        var elements: [RedisReply]
        var missing: Int
    }

    private let limits: ReplyLimits
    private var open: [OpenArray] = []
    /// Elements of all arrays of this reply, as their headers say.
    private var announced = 0
    private var finished: RedisReply?
    /// Bytes of the strings of this reply so far.
    private(set) var bytes = 0
    /// Why the reply was refused; the connection ends with it.
    private(set) var refusal: RedisError?

    init(limits: ReplyLimits) { self.limits = limits }

    /// The whole reply, once; the next piece begins another.
    func take() -> RedisReply? {
        guard let reply = finished else { return nil }
        finished = nil
        announced = 0
        bytes = 0
        return reply
    }

    func refuse(_ reason: RedisError) -> Bool {
        refusal = refusal ?? reason
        return false
    }

    /// Counts a string before it is copied.
    func admits(stringOf length: Int) -> Bool {
        guard length <= limits.bytesMax - bytes else {
            return refuse(.replyTooLarge(limit: limits.bytesMax))
        }
        bytes += length
        return true
    }

    /// Puts a value into the innermost open array and closes every array it completes.
    func add(_ value: RedisReply) -> Bool {
        var value = value
        while !open.isEmpty {
            let last = open.count - 1
            open[last].elements.append(value)
            open[last].missing -= 1
            if open[last].missing > 0 { return true }
            value = .array(open[last].elements)
            open.removeLast()
        }
        finished = value
        return true
    }

    /// Begins an array of `count` elements inside whatever is open.
    func begin(arrayOf count: Int) -> Bool {
        guard count > 0 else { return add(.array([])) }
        guard open.count < limits.depthMax else {
            return refuse(.replyTooDeep(limit: limits.depthMax))
        }
        guard count <= limits.elementsMax - announced else {
            return refuse(.replyTooLong(limit: limits.elementsMax))
        }
        announced += count
        var elements: [RedisReply] = []
        elements.reserveCapacity(min(count, 64))
        open.append(OpenArray(elements: elements, missing: count))
        return true
    }
}
