/// What the server answers, and for whom.
enum Route: Equatable {
    case check
    case checks
    case usage(clinic: String)
    case health
    case readiness
}

/// Where a request goes, from its method and path alone. The query is never read.
enum RouteMatch: Equatable {
    case found(Route)
    case wrongMethod(allowed: String)
    case nothing

    init(method: String, path: String) {
        guard path.utf8.count <= 256, let (allowed, route) = Self.route(path) else {
            self = .nothing
            return
        }
        self = method == allowed ? .found(route) : .wrongMethod(allowed: allowed)
    }

    private static func route(_ path: String) -> (method: String, Route)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        switch Array(parts) {
        case ["v1", "check"]: return ("POST", .check)
        case ["v1", "checks"]: return ("POST", .checks)
        case ["healthz"]: return ("GET", .health)
        case ["readyz"]: return ("GET", .readiness)
        case let parts
        where parts.count == 4 && parts[0] == "v1" && parts[1] == "clinics" && parts[3] == "usage":
            return ("GET", .usage(clinic: String(parts[2])))
        default: return nil
        }
    }
}
