/// How a proxy names the clinic of a request, from `METERING_GATEWAY_CLINIC`.
enum GatewayNaming: Sendable, Hashable {
    /// A field that the proxy itself sets, with the clinic's id.
    case field(String)
    /// `smile.example.com` is the clinic with the subdomain `smile`.
    case subdomain(of: String)
    /// The request's own key, which is bound to one clinic.
    case key

    static let form = "header:NAME, subdomain:DOMAIN or key"

    init?(_ text: String) {
        if text == "key" {
            self = .key
        } else if text.hasPrefix("header:") {
            let name = text.dropFirst("header:".count)
            guard Self.isFieldName(name) else { return nil }
            self = .field(name.lowercased())
        } else if text.hasPrefix("subdomain:") {
            let domain = text.dropFirst("subdomain:".count).lowercased()
            guard !domain.isEmpty, domain.utf8.allSatisfy(Self.isHostByte) else { return nil }
            self = .subdomain(of: domain)
        } else {
            return nil
        }
    }

    private static func isFieldName(_ name: Substring) -> Bool {
        (1...100).contains(name.utf8.count)
            && name.utf8.allSatisfy { isLetterOrDigit($0 | 0x20) || $0 == UInt8(ascii: "-") }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    /// Of lower case.
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte)
    }

    /// The one label before the domain: `Smile.Example.com:8443` under example.com → `smile`. Nil
    /// for another host, and for one with more labels.
    static func label(of host: String, under domain: String) -> String? {
        guard host.utf8.count <= 255 else { return nil }
        let name = host.lowercased().prefix { $0 != ":" }
        guard name.hasSuffix("." + domain) else { return nil }
        let label = name.dropLast(domain.count + 1)
        guard (1...63).contains(label.utf8.count),
            label.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        return String(label)
    }
}
