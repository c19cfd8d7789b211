import Glibc
import NIOCore
import NIOSSL

/// TLS to Redis: the trusted CAs, and the client's certificate.
///
/// The server must show a certificate of a trusted CA that names the host of the address. Nothing
/// turns this off. The files are read once, when this is made.
public struct RedisTLS: Sendable {
    /// Paths of PEM files.
    public struct Files: Sendable, Hashable {
        /// The CAs that are trusted, instead of those that the system trusts.
        public var authorities: String?
        /// The client's certificate, and after it those between it and its CA.
        public var certificate: String?
        /// The client's key, not encrypted.
        public var key: String?

        public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
            self.authorities = authorities
            self.certificate = certificate
            self.key = key
        }

        public var isEmpty: Bool { authorities == nil && certificate == nil && key == nil }
    }

    /// Which file cannot be used.
    public enum File: Sendable, Hashable { case authorities, certificate, key }

    let files: Files
    let context: NIOSSLContext

    /// How long a connection waits for the server's farewell when it closes.
    private static let farewell = TimeAmount.milliseconds(500)

    /// - Throws: ``RedisError/tlsFile(_:problem:)``. Nothing of what a file holds is repeated.
    public init(_ files: Files = Files()) throws(RedisError) {
        self.files = files
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .fullVerification
        configuration.shutdownTimeout = Self.farewell
        if let path = files.authorities {
            configuration.trustRoots = .certificates(
                try Self.certificates(path, of: .authorities))
        }
        switch (files.certificate, files.key) {
        case (let certificate?, let key?):
            configuration.certificateChain = try Self.certificates(certificate, of: .certificate)
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(try Self.key(key))
        case (nil, nil): break
        case (.some, nil): throw .tlsFile(.key, problem: "is not set, but the certificate is")
        case (nil, .some): throw .tlsFile(.certificate, problem: "is not set, but the key is")
        }
        do { context = try NIOSSLContext(configuration: configuration) } catch {
            // Each file is good by itself; of the settings only these two can disagree.
            guard files.key != nil else {
                throw .configuration("the CAs that the system trusts cannot be read")
            }
            throw .tlsFile(.key, problem: "does not belong to the certificate")
        }
    }

    private static func certificates(
        _ path: String, of file: File
    ) throws(RedisError) -> [NIOSSLCertificate] {
        try requireReadable(path, file)
        let found = (try? NIOSSLCertificate.fromPEMFile(path)) ?? []
        guard !found.isEmpty else {
            throw .tlsFile(file, problem: "\(path) holds no certificate in PEM form")
        }
        return found
    }

    private static func key(_ path: String) throws(RedisError) -> NIOSSLPrivateKey {
        try requireReadable(path, .key)
        guard let key = try? NIOSSLPrivateKey(file: path, format: .pem) else {
            throw .tlsFile(
                .key, problem: "\(path) holds no key in PEM form, or one that needs a passphrase")
        }
        return key
    }

    private static func requireReadable(_ path: String, _ file: File) throws(RedisError) {
        var found = stat()
        guard stat(path, &found) == 0, access(path, R_OK) == 0 else {
            throw .tlsFile(file, problem: "\(path): \(String(cString: strerror(errno)))")
        }
        // Opening a pipe would wait for its writer.
        guard found.st_mode & S_IFMT == S_IFREG else {
            throw .tlsFile(file, problem: "\(path) is not a file")
        }
    }
}

extension RedisTLS: Hashable {
    /// By the names of the files, not by what they hold.
    public static func == (left: RedisTLS, right: RedisTLS) -> Bool { left.files == right.files }
    public func hash(into hasher: inout Hasher) { hasher.combine(files) }
}

extension RedisConfiguration.Address {
    /// The name that the client sends (SNI) and the certificate must prove; nil for an address,
    /// which its certificate must hold as an address.
    var tlsName: String? {
        guard case .tcp(let host, _) = self else { return nil }
        var (four, six) = (in_addr(), in6_addr())
        let isAddress =
            inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
            || host.contains(":")
        return isAddress ? nil : host
    }
}
