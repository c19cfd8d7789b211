/// Certificates for servers under test, made by `openssl` in their own directory. End them with
/// `remove`.
public struct LocalCertificates: Sendable {
    /// The certificates, by what they certify.
    public enum Name: String, CaseIterable, Sendable {
        /// For `localhost` and 127.0.0.1.
        case localhost
        /// Of the same CA, for a host that is not this one.
        case elsewhere
        /// For `localhost` and 127.0.0.1, until yesterday.
        case expired
        /// For a client.
        case client
    }

    /// The CA of all certificates.
    public var authority: String { "\(directory)/authority.pem" }
    /// A CA that issued none of them.
    public var otherAuthority: String { "\(directory)/other-authority.pem" }

    private let site: Site
    private var directory: String { site.privateDirectory.path }

    public static func make() async throws(LocalServersError) -> LocalCertificates {
        let certificates = LocalCertificates(site: try await Site.temporary())
        do {
            try await certificates.issueAll()
            return certificates
        } catch {
            await certificates.remove()
            throw error
        }
    }

    public func remove() async { await site.leave() }

    public func certificate(_ name: Name) -> String { "\(directory)/\(name).pem" }
    public func key(_ name: Name) -> String { "\(directory)/\(name).key" }

    /// A server that shows the certificate `name` and takes clients of our CA.
    public func server(_ name: Name, demandsCertificate: Bool = false) -> ServerTLS {
        ServerTLS(
            certificate: certificate(name), key: key(name), authority: authority,
            demandsCertificate: demandsCertificate)
    }

    private func issueAll() async throws(LocalServersError) {
        try site.write(Self.settings, to: "\(directory)/openssl.cnf")
        for authority in ["authority", "other-authority"] {
            try await openssl(
                "req -x509 -days 30 -config openssl.cnf -extensions authority"
                    + " -subj /CN=\(authority) \(Self.newKey)"
                    + " -keyout \(authority).key -out \(authority).pem")
        }
        for name in Name.allCases {
            try await openssl(
                "req -new -config openssl.cnf -subj /CN=\(name) \(Self.newKey) -keyout \(name).key"
                    + " -out \(name).csr")
            try await openssl(
                "x509 -req -in \(name).csr -CA authority.pem -CAkey authority.key"
                    + " -extfile openssl.cnf -extensions \(name)"
                    + " -days \(name == .expired ? -1 : 30) -out \(name).pem")
        }
    }

    /// Runs `openssl` as the servers' account, which must own its keys. No argument may contain a
    /// blank.
    private func openssl(_ words: String) async throws(LocalServersError) {
        let files = [".pem", ".key", ".csr", ".cnf"]
        let arguments = words.split(separator: " ").map { word in
            files.contains(where: word.hasSuffix) ? "\(directory)/\(word)" : String(word)
        }
        let tool = Tool(
            program: try site.programs.path("openssl"),
            prefix: site.account.privileges.isEmpty
                ? [] : [try site.programs.path("setpriv")] + site.account.privileges + ["--"],
            environment: ["LC_ALL": "C.UTF-8", "HOME": directory, "PATH": Programs.searchPath])
        _ = try await tool.run(arguments)
    }

    private static let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc"
    private static let settings = """
        [req]
        distinguished_name = name
        prompt = no
        [name]
        CN = test
        [authority]
        basicConstraints = critical, CA:TRUE
        keyUsage = critical, keyCertSign, cRLSign
        [localhost]
        subjectAltName = DNS:localhost, IP:127.0.0.1
        [expired]
        subjectAltName = DNS:localhost, IP:127.0.0.1
        [elsewhere]
        subjectAltName = DNS:elsewhere.test, IP:192.0.2.1
        [client]
        extendedKeyUsage = clientAuth

        """
}
