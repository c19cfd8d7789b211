import HTTPTypes
import Hummingbird
import NIOCore

/// Reads a request whole and hands it on; nothing is decided here.
struct Routes: HTTPResponder {
    typealias Context = BasicRequestContext

    let router: Router

    func respond(to request: Request, context: Context) async throws -> Response {
        let response = Response(await answer(request))
        // The fields of the answer without its bytes, which would be read as the next answer.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async -> HTTPAnswer {
        var question = HTTPQuestion(
            method: request.method.rawValue, path: request.uri.path, query: request.uri.query,
            fields: request.headers.map { ($0.name.rawName, $0.value) })
        // The library keeps it apart from the fields.
        if let host = request.head.authority { question.fields.append(("Host", host)) }
        let most = router.bodyBytesMax(method: question.method, path: question.path)
        if most > 0 {
            var request = request
            do {
                let body = try await request.collectBody(upTo: most)
                question.body = Array(body.readableBytesView)
            } catch is NIOTooManyBytesError {
                question.isBodyTooLarge = true
            } catch {
                return Problem.badRequest("the body did not arrive whole").answer
            }
        }
        return await router.answer(question)
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
            // 204 has no body, and so no length either.
            body: answer.status == 204
                ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
