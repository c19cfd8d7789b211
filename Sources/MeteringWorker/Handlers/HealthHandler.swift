import HTTPServer

/// What everybody may ask: whether the process lives, and whether it should be sent requests.
struct HealthHandler: Sendable {
    let readiness: Readiness

    var routes: [Route] {
        [
            .open("GET", "/healthz") { _ in APIResponse(status: 200, json: ["status": "alive"]) },
            .open("GET", "/readyz") { [readiness] _ in readiness.response },
        ]
    }
}
