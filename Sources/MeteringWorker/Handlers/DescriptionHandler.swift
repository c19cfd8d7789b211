import HTTPServer

/// `GET /openapi.json`: what this API is, for programs.
struct DescriptionHandler: Sendable {
    var routes: [Route] {
        [
            .open("GET", "/openapi.json") { _ in
                APIResponse(
                    status: 200, type: "application/json", bytes: PackageResources.openapi_json)
            }
        ]
    }
}
