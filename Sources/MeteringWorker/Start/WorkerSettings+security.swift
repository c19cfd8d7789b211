import NIOCore
import NIOSSL
import Shell

/// Protects the traffic of the API: by TLS, or by an address that only this machine reaches.
extension WorkerSettings.HTTP {
    /// The TLS configuration of the listener; nil for plain HTTP.
    ///
    /// The worker reads both files once, at the start; a new certificate needs a restart.
    func security() throws(StartError) -> NIOSSLContext? {
        switch (certificate, key) {
        case (let certificate?, let key?): return try Self.tls(certificate: certificate, key: key)
        case (_?, nil):
            throw .tlsHalf(given: WorkerKeys.httpCertificate, missing: WorkerKeys.httpKey)
        case (nil, _?):
            throw .tlsHalf(given: WorkerKeys.httpKey, missing: WorkerKeys.httpCertificate)
        case (nil, nil):
            guard Self.isLoopback(host) || allowsPlaintext else { throw .plaintext(host: host) }
            return nil
        }
    }

    /// Whether only programs of this machine reach an address.
    static func isLoopback(_ host: String) -> Bool {
        switch try? SocketAddress(ipAddress: host, port: 0) {
        case .v4: host.hasPrefix("127.")
        case .v6: host == "::1"
        default: host.lowercased() == "localhost"
        }
    }

    private static func tls(certificate: String, key: String) throws(StartError) -> NIOSSLContext {
        let chain = try read(certificate, of: WorkerKeys.httpCertificate) {
            try NIOSSLCertificate.fromPEMFile(certificate)
        }
        let secret = try read(key, of: WorkerKeys.httpKey) {
            try NIOSSLPrivateKey(file: key, format: .pem)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(secret))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // The context itself checks that certificate and key belong together.
        return try read(key, of: WorkerKeys.httpKey) {
            try NIOSSLContext(configuration: configuration)
        }
    }

    private static func read<Value>(
        _ path: String, of setting: SettingKey, _ body: () throws -> Value
    ) throws(StartError) -> Value {
        do { return try body() } catch {
            throw .tlsFile(path: path, setting: setting)
        }
    }
}
