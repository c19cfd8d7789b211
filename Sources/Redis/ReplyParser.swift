import CHiredis
import Values

/// hiredis's RESP2 reader, building our values instead of its own and held to our limits.
///
/// hiredis 0.14 allocates an array for whatever length a server announces and buffers a string of
/// any length. Here its reader only finds the pieces: each is handed to ``ReplyAssembly``, which
/// may refuse it.
final class ReplyParser {
    /// The longest status, error or integer line.
    private static let lineMax = 64 << 10
    /// The reader moves its rest to the front after each kilobyte, so it is fed in small slices.
    private static let sliceMax = 8 << 10

    private let limits: ReplyLimits
    private let assembly: ReplyAssembly
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let reader: UnsafeMutablePointer<redisReader>

    /// - Returns: `nil` when the machine has no memory for a reader.
    init?(limits: ReplyLimits) {
        functions = .allocate(capacity: 1)
        functions.initialize(to: ReplyParser.pieces)
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            functions.deallocate()
            return nil
        }
        self.limits = limits
        self.assembly = ReplyAssembly(limits: limits)
        self.reader = reader
        reader.pointee.privdata = Unmanaged.passUnretained(assembly).toOpaque()
    }

    deinit {
        redisReaderFree(reader)
        functions.deallocate()
    }

    /// Parses `bytes`, which may end anywhere, and hands over each reply that is now whole.
    /// - Returns: Why the bytes are refused; the parser must not be used again then.
    func feed(_ bytes: UnsafeRawBufferPointer, reply: (RedisReply) -> Void) -> RedisError? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let slice = rest.prefix(ReplyParser.sliceMax)
            rest = rest.dropFirst(slice.count)
            let start = UnsafeRawBufferPointer(rebasing: slice).baseAddress
            let fed = redisReaderFeed(
                reader, start?.assumingMemoryBound(to: CChar.self), slice.count)
            guard fed == REDIS_OK else { return .protocolViolation("the reader is out of memory") }
            if let refusal = drain(reply) { return refusal }
        }
        return nil
    }

    private func drain(_ reply: (RedisReply) -> Void) -> RedisError? {
        while true {
            var ignored: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &ignored) == REDIS_OK else {
                return assembly.refusal ?? .protocolViolation(complaint)
            }
            guard let whole = assembly.take() else { return overlong }
            reply(whole)
        }
    }

    /// hiredis's own words: `Protocol error, got "H" as reply type byte`.
    private var complaint: String {
        withUnsafeBytes(of: &reader.pointee.errstr) { text in
            String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Refuses an unfinished piece by the length it announces or has already reached.
    private var overlong: RedisError? {
        let held = reader.pointee.len - reader.pointee.pos
        guard held > 0, reader.pointee.ridx >= 0, let buffer = reader.pointee.buf else {
            return nil
        }
        let start = UnsafeRawPointer(buffer + Int(reader.pointee.pos))
        let piece = UnsafeRawBufferPointer(start: start, count: Int(held))
        if piecesType == REDIS_REPLY_STRING, let announced = ReplyParser.length(in: piece) {
            return announced <= limits.bytesMax - assembly.bytes
                ? nil : .replyTooLarge(limit: limits.bytesMax)
        }
        return held <= ReplyParser.lineMax ? nil : .protocolViolation("a line without an end")
    }

    /// The type of the piece the reader waits for, as its type byte said; -1 before that byte.
    private var piecesType: Int32 {
        withUnsafeBytes(of: &reader.pointee.rstack) { stack in
            stack.assumingMemoryBound(to: redisReadTask.self)[Int(reader.pointee.ridx)].type
        }
    }

    /// The length at the head of a bulk string whose `$` is already read, once its line is whole.
    private static func length(in piece: UnsafeRawBufferPointer) -> Int? {
        var length = 0
        for byte in piece.prefix(20) {
            if byte == UInt8(ascii: "\r") { return length }
            guard byte.isASCIIDigit else { return nil }
            let (tens, overflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            length = overflow || carry ? Int.max : sum
        }
        return nil
    }
}

extension ReplyParser {
    /// What hiredis calls for each piece. A null return makes it stop with an error.
    private static let pieces = redisReplyObjectFunctions(
        createString: { task, start, length in
            ReplyParser.built(task) { assembly, type in
                guard let start else { return false }
                return assembly.add(string: start, length, type: type)
            }
        },
        createArray: { task, count in
            ReplyParser.built(task) { assembly, _ in assembly.begin(arrayOf: Int(count)) }
        },
        createInteger: { task, value in
            ReplyParser.built(task) { assembly, _ in assembly.add(.integer(value)) }
        },
        createNil: { task in ReplyParser.built(task) { assembly, _ in assembly.add(.null) } },
        // The reader owns nothing of ours: what it holds is the mark below.
        freeObject: nil)

    /// The reader only asks whether an object is null, so the assembly itself serves as the mark.
    private static func built(
        _ task: UnsafePointer<redisReadTask>?, _ build: (ReplyAssembly, Int32) -> Bool
    ) -> UnsafeMutableRawPointer? {
        guard let task, let mark = task.pointee.privdata else { return nil }
        let assembly = Unmanaged<ReplyAssembly>.fromOpaque(mark).takeUnretainedValue()
        return build(assembly, task.pointee.type) ? mark : nil
    }
}

extension ReplyAssembly {
    /// Adds a string, status or error of `length` bytes at `start`.
    fileprivate func add(string start: UnsafePointer<CChar>, _ length: Int, type: Int32) -> Bool {
        guard admits(stringOf: length) else { return false }
        let bytes = UnsafeRawBufferPointer(start: start, count: length)
        switch type {
        case REDIS_REPLY_STATUS: return add(.status(String(decoding: bytes, as: UTF8.self)))
        case REDIS_REPLY_ERROR:
            return add(.error(RedisServerError(line: String(decoding: bytes, as: UTF8.self))))
        default:
            // hiredis 0.14 skips the two bytes after a string unread; here they must be a line end.
            guard start[length] == 13, start[length + 1] == 10 else {
                return refuse(.protocolViolation("a string longer than its length"))
            }
            return add(.string([UInt8](bytes)))
        }
    }
}
