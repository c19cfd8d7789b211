/// The certificates of a private server, and the clients that it admits: paths of PEM files.
public struct ServerTLS: Sendable {
    public var certificate: String
    public var key: String
    /// The CA of clients' certificates.
    public var authority: String
    /// Whether a client must show a certificate. Redis only.
    public var demandsCertificate = false
}
