import NIOCore
import NIOSSL

/// Why no encrypted connection could be made.
public enum RedisTLSProblem: Sendable, Hashable {
    /// The certificate of the server comes from a CA that is not trusted here, or its time has not
    /// come or is over: the library does not tell which.
    case notTrusted
    /// The certificate is trusted, but is for another name or address.
    case wrongHost
    /// The server wants a client certificate, or rejected it. `alert` is its TLS alert.
    case clientCertificateRefused(alert: String)
    /// What the server said is not TLS.
    case notTLS
    /// The server hung up before its first reply.
    case hungUp
    /// Handshake, AUTH and SELECT together took longer than `after`.
    case noAnswer(after: Duration)
    /// Another fault of the handshake, in the library's word, such as `UNSUPPORTED_PROTOCOL`.
    case handshake(String)

    /// What the error of a connection that was never ready tells; nil when it has nothing to do
    /// with TLS.
    init?(_ error: any Error) {
        switch error {
        case let error as NIOSSLExtraError:
            let isName =
                error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch
            self = isName ? .wrongHost : .handshake("\(error)")
        case NIOSSLError.uncleanShutdown: self = .hungUp
        case NIOSSLError.handshakeFailed(let cause): self.init(cause)
        case let error as NIOSSLError: self = .handshake("\(error)")
        case let error as BoringSSLError: self.init(error)
        default: return nil
        }
    }

    private init(_ error: BoringSSLError) {
        guard case .sslError(let stack) = error else {
            self = .handshake("\(error)")
            return
        }
        if stack.contains(.eofDuringHandshake) {
            self = .hungUp
            return
        }
        let words = stack.map(Self.word)
        let known = words.lazy.compactMap(Self.init(word:)).first
        self = known ?? .handshake(words.joined(separator: ", "))
    }

    private init?(word: String) {
        switch word {
        case "CERTIFICATE_VERIFY_FAILED": self = .notTrusted
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_MESSAGE", "DECODE_ERROR":
            self = .notTLS
        default:
            guard Self.refusals.contains(where: word.hasSuffix) else { return nil }
            self = .clientCertificateRefused(alert: word)
        }
    }

    /// The alerts with which a server rejects the client's certificate or its absence.
    private static let refusals = [
        "_ALERT_CERTIFICATE_REQUIRED", "_ALERT_NO_CERTIFICATE", "_ALERT_BAD_CERTIFICATE",
        "_ALERT_UNSUPPORTED_CERTIFICATE", "_ALERT_CERTIFICATE_REVOKED",
        "_ALERT_CERTIFICATE_EXPIRED", "_ALERT_CERTIFICATE_UNKNOWN", "_ALERT_UNKNOWN_CA",
        "_ALERT_ACCESS_DENIED", "_ALERT_DECRYPT_ERROR",
    ]

    /// `Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at
    /// /…/handshake.cc:393` → `CERTIFICATE_VERIFY_FAILED`.
    private static func word(_ error: BoringSSLInternalError) -> String {
        let text = "\(error)"
        let message = text.firstRange(of: " at ").map { text[..<$0.lowerBound] } ?? text[...]
        return message.split(separator: ":").last.map { String($0.prefix(100)) } ?? "unknown"
    }

    /// What a caller may do about it.
    public var remedy: RedisError.Remedy {
        switch self {
        // It may be starting, or frozen.
        case .hungUp, .noAnswer: .retry
        case .notTrusted, .wrongHost, .clientCertificateRefused, .notTLS, .handshake:
            .fixConfiguration
        }
    }
}

extension RedisTLSProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notTrusted:
            "the server's certificate is not trusted: unknown CA, or expired or not yet valid"
        case .wrongHost: "the server's certificate is for another host"
        case .clientCertificateRefused(let alert):
            "the server refused the client's certificate, or requires one (\(alert))"
        case .notTLS: "the server does not speak TLS on this port"
        case .hungUp:
            "the server hung up before its first reply: no TLS here, or it requires a certificate"
        case .noAnswer(let after):
            "no TLS connection within \(after): the server does not speak TLS on this port, or "
                + "hangs"
        case .handshake(let word): "the TLS handshake failed (\(word))"
        }
    }
}
