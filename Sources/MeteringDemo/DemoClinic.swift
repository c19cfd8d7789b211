import Crypto
import Metering
import Values

/// The clinic of one host in an access log.
struct DemoClinic: Hashable, Sendable {
    let id: ClinicID
    let host: String

    /// The same host is the same clinic in every run: a UUID of version 5 in the namespace of DNS
    /// names.
    init(host: String) {
        self.host = host
        let digest = Array(Insecure.SHA1.hash(data: Self.dnsNamespace + Array(host.utf8)))
        guard let id = UniqueID.version5(digest: digest) else {
            preconditionFailure("SHA-1 has 20 bytes")
        }
        self.id = ClinicID(id)
    }

    var subdomain: String { ClinicNaming.subdomain(forHost: host, id: id) }

    /// 6ba7b810-9dad-11d1-80b4-00c04fd430c8, RFC 9562 section 6.6.
    private static let dnsNamespace = UniqueID(
        high: 0x6ba7_b810_9dad_11d1, low: 0x80b4_00c0_4fd4_30c8
    ).bytes
}
