/// A call of a function on one key, which may travel with calls on other keys.
///
/// What waits when an event loop writes goes out as `FCALL name n key… argument…`, of at most
/// ``Gathering/keysMax`` keys. The function treats each key by itself and answers with n elements
/// in the order of the keys. No call waits for others to come.
public protocol RedisKeyedCall: AnyObject, Sendable {
    var function: RedisKeyedFunction { get }
    var key: [UInt8] { get }
    /// The most bytes that ``argument()`` returns.
    var argumentBytesMax: Int { get }

    /// Called once, on an event loop, when the call is sent.
    func argument() -> [UInt8]

    /// Called once, on an event loop, with the key's own element, the error reply to the whole
    /// command, or why there is none. A reply that is no array of n elements is a
    /// `.protocolViolation` for all of its keys.
    func finish(_ answer: Result<RedisReply, RedisError>)

    /// Called once after `finish` got `.deadline(sent: true)`, within 30 s: what became of the
    /// call after all. A failure means that it will never be known.
    func finishLate(_ answer: Result<RedisReply, RedisError>)
}

extension RedisKeyedCall {
    /// No caller waits for the late reply.
    public func finishLate(_ answer: Result<RedisReply, RedisError>) {}
}
