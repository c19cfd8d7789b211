import NIOCore

/// How the request wants its response to be written.
struct ResponseForm {
    /// HEAD: the fields of the response without its bytes, which the client would read as the next
    /// response.
    var isHead = false
    /// HTTP/1.0: a connection ends after a response that does not say otherwise.
    var isOld = false
    /// Nothing comes on this connection after it.
    var isLast = false
}

extension APIResponse {
    /// Writes the response as bytes of HTTP/1.1. It always has `Content-Length`, unless there can
    /// be no body.
    func write(_ form: ResponseForm, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeNumber(status)
        buffer.writeStaticString(" ")
        buffer.writeStaticString(Self.reason(status))
        for (name, value) in fields { Self.write(name, value, into: &buffer) }
        if form.isLast {
            buffer.writeStaticString("\r\nConnection: close")
        } else if form.isOld {
            buffer.writeStaticString("\r\nConnection: keep-alive")
        }
        guard status != 204, status != 304 else {
            buffer.writeStaticString("\r\n\r\n")
            return
        }
        buffer.writeStaticString("\r\nContent-Length: ")
        buffer.writeNumber(body.count)
        buffer.writeStaticString("\r\n\r\n")
        if !form.isHead { buffer.writeBytes(body) }
    }

    /// A value with a control character could end the field early, so those become blanks.
    private static func write(_ name: String, _ value: String, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\r\n")
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        if value.hasControl {
            buffer.writeBytes(value.utf8.map { $0.isControl ? 32 : $0 })
        } else {
            buffer.writeString(value)
        }
    }

    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        default: ""
        }
    }
}

extension ByteBuffer {
    /// Writes a number of at least 0 without an intermediate text.
    fileprivate mutating func writeNumber(_ number: Int) {
        if number >= 10 { writeNumber(number / 10) }
        writeInteger(UInt8(ascii: "0") + UInt8(number % 10))
    }
}

extension UInt8 {
    fileprivate var isControl: Bool { self < 32 || self == 127 }
}

extension String {
    /// Contiguous bytes are read directly, without a call of the string for each byte.
    fileprivate var hasControl: Bool {
        utf8.withContiguousStorageIfAvailable { $0.contains(where: \.isControl) }
            ?? utf8.contains(where: \.isControl)
    }
}
