import NIOCore

/// What a new connection says before it takes commands: AUTH, SELECT, CLIENT SETNAME, in one write.
///
/// After a replica was met the question whether writes are taken comes last, so that a server which
/// still is one costs no caller an answer.
///
/// RESP3's HELLO is not used: hiredis 0.14 reads RESP2.
struct Greeting {
    private enum Step { case auth, select, setName, question }

    private let configuration: RedisConfiguration
    private let asksForWrites: Bool
    /// That the server is the right one, but takes no writes yet.
    private(set) var refusal: WriteRefusal?
    private var steps: CircularBuffer<Step> = []

    init(_ configuration: RedisConfiguration, asksForWrites: Bool) {
        self.configuration = configuration
        self.asksForWrites = asksForWrites
    }

    /// Whether every step was answered.
    var isOver: Bool { steps.isEmpty }

    mutating func write(into buffer: inout ByteBuffer) {
        let (user, password) = (configuration.username, configuration.password)
        if user != nil || password != nil {
            // A user without a password is one that the server lets in with any.
            let names = [user, password ?? ""].compactMap { $0.map(RedisArgument.string) }
            say(.auth, RedisCommand("AUTH", names), &buffer)
        }
        if configuration.database != 0 {
            let index = RedisArgument(configuration.database)
            say(.select, RedisCommand("SELECT", [index]), &buffer)
        }
        let name = RedisArgument.string(configuration.clientName)
        say(.setName, RedisCommand("CLIENT", ["SETNAME", name]), &buffer)
        if asksForWrites { say(.question, WriteRefusal.question, &buffer) }
    }

    private mutating func say(_ step: Step, _ command: RedisCommand, _ buffer: inout ByteBuffer) {
        steps.append(step)
        command.encode(into: &buffer)
    }

    /// Takes the answer to the oldest step.
    /// - Returns: Why the connection cannot be used.
    mutating func accept(_ reply: RedisReply) -> RedisError? {
        guard let step = steps.popFirst() else {
            return .protocolViolation("a reply to no command")
        }
        guard let error = reply.serverError else { return nil }
        if step == .question { return take(answer: error) }
        if error.isAuthentication { return .authentication(code: error.code) }
        if error.isLoading || error.isBusy || error.code == "MASTERDOWN" {
            // AUTH is allowed in these states; a later attempt selects the database.
            guard step == .setName else {
                return .notConnected("the server replied \(error.code)")
            }
            if error.refusesWrites { refusal = WriteRefusal(error: error, command: "CLIENT") }
            return nil
        }
        if error.message.hasPrefix("max number of clients") {
            return .notConnected("the server has as many clients as its maxclients allows")
        }
        switch step {
        case .auth where error.code != "DENIED": return .authentication(code: error.code)
        case .auth, .select: return .refused(error)
        // An ACL may forbid CLIENT; the name is for the reader of CLIENT LIST only.
        case .setName: return error.code == "DENIED" ? .refused(error) : nil
        case .question: return nil
        }
    }

    /// An ACL may forbid the question: then the next write will tell.
    private mutating func take(answer error: RedisServerError) -> RedisError? {
        if error.isFromReplica { return .metReplica(error) }
        if error.refusesWrites {
            refusal = WriteRefusal(error: error, command: WriteRefusal.question.name)
        }
        return nil
    }
}
