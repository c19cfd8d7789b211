/// `GET /openapi.json`: what this API is, for programs.
struct DescriptionDoor: Sendable {
    var routes: [Route] {
        [
            .open("GET", "/openapi.json") { _ in
                HTTPAnswer(
                    status: 200, type: "application/json", bytes: PackageResources.openapi_json)
            }
        ]
    }
}
