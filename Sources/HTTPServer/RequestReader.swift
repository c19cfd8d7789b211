import NIOCore
import NIOHTTP1
import Values

/// Puts the parts of a request together, within its bounds. It knows no socket: parts in, what to
/// do out.
///
/// The decoder refuses bytes that are not HTTP; this refuses requests that two readers could read
/// differently, because otherwise a proxy and this server would disagree where a request ends (RFC
/// 9112, section 11.2).
struct RequestReader {
    enum Step {
        case nothing
        /// The client waits for `100 Continue` before it sends the body.
        case goOn
        /// The request is complete; its body, if one still comes, is dropped.
        case ask(APIRequest)
        /// The problem is the response, and the connection ends: the end of the request is unknown.
        case refuse(Problem)
        /// The client keeps sending after its response.
        case abandon
    }

    static let targetBytesMax = 8_192
    /// The bytes of an unread body that may still come before the connection is cut.
    static let droppedBytesMax = 4_194_304

    /// How the response to the newest request is written.
    private(set) var form = ResponseForm()
    /// A request has started to arrive and has not ended.
    private(set) var isArriving = false
    /// Nil when the request was handed over already.
    private var request: APIRequest?
    private var bodyBytesMax = 0
    private var dropped = 0
    private let bodies: BodyBudget

    /// - Parameter bodies: Shared by all connections.
    init(_ bodies: BodyBudget) {
        self.bodies = bodies
    }

    /// - Parameter most: The most bytes that the body of a request with this head may have.
    mutating func begin(_ head: HTTPRequestHead, most: (APIRequest) -> Int) -> Step {
        (isArriving, request, dropped) = (true, nil, 0)
        let framing = Framing(head)
        form = ResponseForm(
            isHead: head.method == .HEAD, isOld: head.version.minor == 0, isLast: framing.isLast)
        if let problem = framing.problem {
            form.isLast = true
            return .refuse(problem)
        }
        let (path, query) = Self.split(head.uri)
        var request = APIRequest(
            method: head.method.rawValue, path: path, query: query,
            fields: head.headers.map { ($0.name, $0.value) })
        bodyBytesMax = most(request)
        request.isBodyTooLarge = bodyBytesMax > 0 && framing.length > bodyBytesMax
        guard bodyBytesMax > 0, !request.isBodyTooLarge else {
            // It is unknown whether a client that sent `Expect` still sends the body.
            form.isLast = form.isLast || framing.awaitsContinue
            return .ask(request)
        }
        self.request = request
        return framing.awaitsContinue ? .goOn : .nothing
    }

    mutating func add(_ bytes: ByteBuffer) -> Step {
        guard isArriving else { return .nothing }
        guard var whole = request else {
            dropped += bytes.readableBytes
            return dropped > Self.droppedBytesMax ? .abandon : .nothing
        }
        guard whole.body.count + bytes.readableBytes <= bodyBytesMax else {
            request = nil
            (whole.body, whole.isBodyTooLarge, whole.share) = ([], true, nil)
            return .ask(whole)
        }
        request = nil
        whole.body.append(contentsOf: bytes.readableBytesView)
        if whole.body.count > BodyBudget.smallBytesMax {
            let share = whole.share ?? BodyBudget.Share(of: bodies)
            guard share.grow(to: whole.body.capacity) else {
                form.isLast = true
                return .refuse(.bodyBudgetExhausted)
            }
            whole.share = share
        }
        request = whole
        return .nothing
    }

    mutating func end() -> Step {
        isArriving = false
        return request.take().map(Step.ask) ?? .nothing
    }

    /// The bytes are not HTTP: nothing more of this request will come.
    mutating func fail() {
        (isArriving, request) = (false, nil)
    }

    /// Path and query of a target; a proxy may name the whole address (RFC 9112, section 3.2.2).
    static func split(_ target: String) -> (path: String, query: String?) {
        var rest = Substring(target)
        if !rest.hasPrefix("/") {
            for scheme in ["http://", "https://"] where rest.lowercased().hasPrefix(scheme) {
                let authority = rest.dropFirst(scheme.count)
                rest =
                    authority.firstIndex { $0 == "/" || $0 == "?" }.map { authority[$0...] } ?? "/"
                if rest.hasPrefix("?") { rest = "/" + rest }
            }
        }
        guard let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            return (String(rest), nil)
        }
        return (String(rest[..<mark]), String(rest[rest.utf8.index(after: mark)...]))
    }
}

/// How long a request is, and whether that can be trusted.
private struct Framing {
    /// Bytes of the body as announced; 0 without a body or when it comes in pieces.
    private(set) var length = 0
    private(set) var awaitsContinue = false
    private(set) var isLast: Bool
    private(set) var problem: Problem?

    init(_ head: HTTPRequestHead) {
        isLast = !head.isKeepAlive || head.method == .CONNECT
        var (hosts, lengths, codings) = (0, 0, 0)
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 4 where name.lowercased() == "host": hosts += 1
            case 6 where name.lowercased() == "expect":
                if value.lowercased() == "100-continue" {
                    awaitsContinue = true
                } else {
                    problem = .unknownExpectation
                }
            // The server speaks nothing else, and the decoder reads nothing after such a request.
            case 7 where name.lowercased() == "upgrade": isLast = true
            case 14 where name.lowercased() == "content-length":
                lengths += 1
                if let number = Self.length(value) {
                    length = number
                } else {
                    problem = .badRequest("Content-Length is not a number")
                }
            case 17 where name.lowercased() == "transfer-encoding":
                codings += 1
                if value.lowercased() != "chunked" {
                    problem = .badRequest("Transfer-Encoding is not chunked")
                }
            default: break
            }
        }
        if lengths + codings > 1 {
            problem = .badRequest(
                "the request may have Content-Length or Transfer-Encoding, and only once")
        } else if head.version.minor == 0 {
            if codings > 0 { problem = .badRequest("HTTP/1.0 has no Transfer-Encoding") }
            awaitsContinue = false
        } else if hosts != 1 {
            problem = .badRequest("the request must have the field Host once")
        }
        if head.version.minor > 1 { problem = .badRequest("the version of HTTP is not 1.0 or 1.1") }
        if head.uri.utf8.count > RequestReader.targetBytesMax { problem = .targetTooLong }
        // Without a body there is nothing to go on with.
        if length == 0, codings == 0 { awaitsContinue = false }
    }

    private static func length(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        return Int(text)
    }
}

extension Problem {
    static let targetTooLong = Problem(
        status: 414, code: "uri-too-long", title: "The path is too long",
        detail: "a path and its query have at most \(RequestReader.targetBytesMax) bytes")

    static let unknownExpectation = Problem(
        status: 417, code: "expectation-failed", title: "The expectation is not supported",
        detail: "the only supported Expect is 100-continue")

    static let headTooLarge = Problem(
        status: 431, code: "head-too-large", title: "The head of the request is too large",
        detail:
            "it has at most \(HTTPListener.headerFieldsMax) fields and "
            + "\(HTTPListener.headerBytesMax) bytes"
    )

    static let noHTTP = Problem.badRequest("this is not HTTP/1.1")
}
