import Metering
import Values

/// How a proxy tells which clinic a request is of, from `METERING_GATEWAY_CLINIC`.
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
        (97...122).contains(byte) || byte.isASCIIDigit
    }

    /// The one label before the domain: `Smile.Example.com:8443` under example.com → `smile`. Nil for
    /// another host, and for one with more labels.
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

/// What a proxy asks about a request that it holds: read from fields that the proxy sets, never from what
/// the request's own query says.
struct GatewayCall: Sendable, Hashable {
    enum Clinic: Sendable, Hashable {
        case id(ClinicID)
        case subdomain(String)
        /// That of the key in this field.
        case ofKey(authorization: String?)
    }

    let clinic: Clinic
    let path: GatewayPath
    /// Whether the request changes something; a method that is not told is taken for one that does.
    let writes: Bool

    private static let readingMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE"]

    /// - Parameter behind: The application's path as Envoy appends it; nil when fields tell it.
    init(
        _ request: APIRequest, naming: GatewayNaming, behind: String? = nil
    ) throws(Problem) {
        clinic = try Self.clinic(request, naming, isAppended: behind != nil)
        let method: String?
        if let behind {
            guard let path = GatewayPath(behind) else { throw .badRequest("the path is no path") }
            (self.path, method) = (path, request.method)
        } else {
            let uri = request.field("x-forwarded-uri") ?? "/"
            guard let path = GatewayPath(uri) else {
                throw .badRequest("X-Forwarded-Uri is no path")
            }
            (self.path, method) = (path, request.field("x-forwarded-method"))
        }
        writes = !Self.readingMethods.contains(method ?? "")
    }

    private static func clinic(
        _ request: APIRequest, _ naming: GatewayNaming, isAppended: Bool
    ) throws(Problem) -> Clinic {
        switch naming {
        case .key: return .ofKey(authorization: request.field("authorization"))
        case .field(let name):
            guard let text = request.field(name), let clinic = ClinicID(text) else {
                throw .badRequest("the field \(name) does not hold one clinic id")
            }
            return .id(clinic)
        case .subdomain(let domain):
            // Envoy keeps the application's host in the request itself, and no other field can be trusted there.
            let field = isAppended ? "host" : "x-forwarded-host"
            let host = request.field(field)
            guard let host, let label = GatewayNaming.label(of: host, under: domain) else {
                throw .badRequest("the field \(field) holds no host directly under \(domain)")
            }
            return .subdomain(label)
        }
    }
}
