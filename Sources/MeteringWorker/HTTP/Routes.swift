import HTTPTypes
import Hummingbird
import NIOCore

/// Hands a request to what answers it; nothing is decided here.
struct Routes: HTTPResponder {
    typealias Context = BasicRequestContext

    let door: CheckDoor
    let readiness: Readiness

    func respond(to request: Request, context: Context) async throws -> Response {
        let response = Response(await answer(request))
        // The fields of the answer without its bytes, which would be read as the next answer.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async -> HTTPAnswer {
        let authorization = request.headers[.authorization]
        switch RouteMatch(method: request.method.rawValue, path: request.uri.path) {
        case .nothing: return Problem.noSuchRoute.answer
        case .wrongMethod(let allowed): return Problem.methodNotAllowed(allowed).answer
        case .found(.health): return HTTPAnswer(status: 200, json: ["status": "alive"])
        case .found(.readiness): return readiness.answer
        case .found(.usage(let clinic)):
            return await door.usage(of: clinic, authorization: authorization)
        case .found(.check):
            var request = request
            do {
                let body = try await request.collectBody(upTo: CheckCall.bodyBytesMax)
                return await door.check(
                    body: Array(body.readableBytesView), authorization: authorization)
            } catch is NIOTooManyBytesError {
                return Problem.tooLarge.answer
            } catch {
                return Problem.badRequest("the body did not arrive whole").answer
            }
        }
    }
}

extension Response {
    fileprivate init(_ answer: HTTPAnswer) {
        var fields = HTTPFields()
        for (name, value) in answer.fields {
            // Every name is one of ours, so it is a valid one.
            if let name = HTTPField.Name(name) {
                fields.append(HTTPField(name: name, value: value))
            }
        }
        self.init(
            status: HTTPResponse.Status(code: answer.status), headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
