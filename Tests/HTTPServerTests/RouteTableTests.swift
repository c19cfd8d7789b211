import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timed) struct `Table of routes` {
    private let table = RouteTable([
        .open("GET", "/a") { _ in APIResponse(status: 204) },
        .open("PUT", "/a") { _ in APIResponse(status: 204) },
        .open("GET", "/a/{id}/b") { _ in APIResponse(status: 204) },
        .open("*", "/a/c/{rest*}") { _ in APIResponse(status: 204) },
    ])

    /// `PUT /a`, with what stood in the place of parameters; the methods for another; or nothing.
    private func place(_ method: String, _ path: String) -> String {
        switch table.place(method: method, path: path) {
        case .found(let route, let parameters):
            "\(route.method) \(route.path)" + parameters.map { " \($0)" }.joined()
        case .wrongMethod(let allowed): "405 " + allowed.joined(separator: " ")
        case .nothing: "404"
        }
    }

    @Test(arguments: [
        ("GET", "/a", "GET /a"), ("PUT", "/a", "PUT /a"), ("POST", "/a", "405 GET PUT"),
        ("get", "/a", "405 GET PUT"), ("GET", "/a/", "404"), ("GET", "/A", "404"),
        ("GET", "", "404"),
        ("GET", "/", "404"), ("GET", "a", "404"), ("GET", "/a/7/b", "GET /a/{id}/b 7"),
        ("GET", "/a//b", "GET /a/{id}/b "), ("GET", "/a/7/b/", "404"), ("GET", "//a/7/b", "404"),
        ("PUT", "/a/7/b", "405 GET"), ("PURGE", "/a/c/x/y", "* /a/c/{rest*} x"),
        ("GET", "/a/c/", "* /a/c/{rest*} "), ("GET", "/a/c", "404"),
    ])
    func `finds the place of a request`(method: String, path: String, place: String) {
        #expect(self.place(method, path) == place)
    }

    @Test func `bounds paths that are its own, and not those that end with another's`() {
        let long = String(repeating: "x", count: 300)
        #expect(place("GET", "/a/\(long)/b") == "404")
        #expect(place("GET", "/a/c/\(long)").hasPrefix("* "))
    }
}
