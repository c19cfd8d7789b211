import HTTPServer

/// Routes without a key: whether the process lives, and whether it is ready for requests.
struct HealthHandler: Sendable {
    let readiness: Readiness

    var routes: [Route] {
        [
            .open("GET", "/healthz") { _ in APIResponse(status: 200, json: ["status": "alive"]) },
            .open("GET", "/readyz") { [readiness] _ in readiness.response },
        ]
    }
}
