import HTTPServer
import Metering
import Values

/// What a proxy sends about a request that it holds: read from fields that the proxy sets, never
/// from what the request's own query says.
struct GatewayCall: Sendable, Hashable {
    enum Clinic: Sendable, Hashable {
        case id(ClinicID)
        case subdomain(String)
        /// The clinic of the key in this field.
        case ofKey(authorization: String?)
    }

    let clinic: Clinic
    let path: GatewayPath
    /// Whether the request writes; a request without a method counts as one that writes.
    let writes: Bool

    private static let readingMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE"]

    /// - Parameter behind: The application's path as Envoy appends it; nil when fields carry it.
    init(
        _ request: APIRequest, naming: GatewayNaming, behind: String? = nil
    ) throws(Problem) {
        clinic = try Self.clinic(request, naming, isAppended: behind != nil)
        let method: String?
        if let behind {
            guard let path = GatewayPath(behind) else { throw .badRequest("the path is not valid") }
            (self.path, method) = (path, request.method)
        } else {
            let uri = request.field("x-forwarded-uri") ?? "/"
            guard let path = GatewayPath(uri) else {
                throw .badRequest("X-Forwarded-Uri is not a path")
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
            // Envoy keeps the application's host in the request itself; no other field is trusted
            // there.
            let field = isAppended ? "host" : "x-forwarded-host"
            let host = request.field(field)
            guard let host, let label = GatewayNaming.label(of: host, under: domain) else {
                throw .badRequest("the field \(field) holds no host directly under \(domain)")
            }
            return .subdomain(label)
        }
    }
}
