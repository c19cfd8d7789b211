/// The calls that one reply of the server answers: one command, or the calls on many keys that went
/// out as one.
enum PendingReply {
    case one(Call)
    case many([Call])

    var count: Int {
        switch self {
        case .one: 1
        case .many(let calls): calls.count
        }
    }

    var bytes: Int {
        switch self {
        case .one(let call): call.bytes
        case .many(let calls): calls.reduce(0) { $0 + $1.bytes }
        }
    }

    var isResolved: Bool {
        switch self {
        case .one(let call): call.isResolved
        case .many(let calls): calls.allSatisfy(\.isResolved)
        }
    }

    var first: Call? {
        switch self {
        case .one(let call): call
        case .many(let calls): calls.first
        }
    }

    func forEach(_ body: (Call) -> Void) {
        switch self {
        case .one(let call): body(call)
        case .many(let calls): for call in calls { body(call) }
        }
    }

    func finish(_ reply: RedisReply) {
        switch (self, reply) {
        case (.one(let call), _): call.finish(.success(reply))
        case (.many(let calls), .array(let elements)) where elements.count == calls.count:
            for (call, element) in zip(calls, elements) { call.finish(.success(element)) }
        case (.many(let calls), .error):
            for call in calls { call.finish(.success(reply)) }
        case (.many(let calls), _):
            let error = RedisError.protocolViolation(
                "a function of \(calls.count) keys did not answer with as many elements")
            for call in calls { call.finish(.failure(error)) }
        }
    }

    func fail(_ reason: RedisError) { forEach { $0.finish(.failure(reason)) } }
}
