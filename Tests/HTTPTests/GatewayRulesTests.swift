import HTTPServer
import Metering
import TestSupport
import Testing

@testable import MeteringWorker

@Suite(.timed) struct `Rules of the gateway` {
    private func treatment(_ rules: String, _ path: String) throws -> GatewayRules.Treatment {
        let rules = try #require(GatewayRules(rules))
        return rules.treatment(of: try #require(GatewayPath(path)))
    }

    /// One path, and whatever spelling of it reaches an application.
    @Test(arguments: [
        "/api/export", "/api/export/", "/api/export?x=1", "/api/export#top", "//api//export",
        "/api/./export",
        "/api/x/../export", "/../api/export", "/api/%65xport", "/api%2Fexport", "/%61pi/export/7",
        "/api/export/%2e%2e/export",
    ])
    func `see one path in all its spellings`(path: String) throws {
        let rules = "/api/export=export:10, /api=none, /=default"
        #expect(try treatment(rules, path) == .counted(limit: "export", cost: 10))
    }

    @Test(arguments: [
        ("/api/exporter", GatewayRules.Treatment.free), ("/api", .free),
        ("/API/export", .counted(limit: "default", cost: 1)),
        ("/", .counted(limit: "default", cost: 1)), ("/api/%2565xport", .free),
        ("/api/export%", .free), ("/x?/api/export", .counted(limit: "default", cost: 1)),
    ])
    func `compare whole parts of paths`(path: String, found: GatewayRules.Treatment) throws {
        #expect(try treatment("/=default,/api=none,/api/export=export:10", path) == found)
    }

    /// Spelled so that one application reads a free path and another a counted one.
    @Test(arguments: [
        "/api/export/..%2f..%2fhealth", "/api/export/../../health", "/health/..;/api/export",
        "/health/..;x=1/api/export", "/health/%2e%2e%3b/api/export", "/api/export/..%5c..%5chealth",
        "/health\\..\\api\\export", "/api/export/..%252f..%252fhealth",
        "/%61pi/export/..%2f..%2fhealth",
        "/health/%252e%252e/api/export", "/health/x/..;/..;/api;v=2/export",
    ])
    func `count the dearest reading of a path with more than one`(path: String) throws {
        #expect(
            try treatment("/health=none,/api=api,/api/export=export:2", path)
                == .counted(limit: "export", cost: 2))
    }

    @Test(arguments: [
        "/health/.", "/health/./x", "/x/../health", "/health//x", "//health", "/health;a",
        "/health%3Ba", "/health/%2e", "/health/a%2Fb", "/health/a%5cb", "/health/a\\b",
        "/health/a%252fb",
    ])
    func `let no path through free that has more than one reading`(path: String) throws {
        #expect(try treatment("/health=none", path) == .counted(limit: "default", cost: 1))
    }

    @Test(arguments: [
        "/health", "/health/", "/health?a=/../;", "/health/a.b", "/h%65alth/...", "/health/a%20b",
    ])
    func `let a plain path through free`(path: String) throws {
        #expect(try treatment("/health=none", path) == .free)
    }

    @Test func `count as default what no rule names`() throws {
        #expect(try treatment("/api=api", "/other") == .counted(limit: "default", cost: 1))
    }

    @Test(arguments: [
        "", "/", "=default", "api=default", "/=", "/=Default", "/=default:0", "/=default:1000001",
        "/=default:x", "/=default:1:1", "/=a,/=b", "/a=x,/b/../a=y", "/=users", "/=default,",
        "/=none:2", (0...100).map { "/\($0)=a" }.joined(separator: ","),
    ])
    func `are refused in any other form`(text: String) {
        #expect(GatewayRules(text) == nil)
    }

    @Test(arguments: [
        "", "api", "*", "http://x/y", "/%ff", "/" + String(repeating: "a", count: 8_192),
    ])
    func `take no path that is none`(text: String) {
        #expect(GatewayPath(text) == nil)
    }
}

@Suite(.timed) struct `Naming a clinic to the gateway` {
    @Test(arguments: [
        ("header:X-Clinic-Id", GatewayNaming.field("x-clinic-id")), ("key", .key),
        ("subdomain:Clinics.Example", .subdomain(of: "clinics.example")),
    ])
    func `has three forms`(text: String, naming: GatewayNaming) {
        #expect(GatewayNaming(text) == naming)
    }

    @Test(arguments: [
        "", "Key", "header:", "header:a b", "header:a:b", "subdomain:", "subdomain:a/b", "path:1",
    ])
    func `has no other form`(text: String) {
        #expect(GatewayNaming(text) == nil)
    }

    @Test(arguments: [
        ("smile.clinics.example", "smile"), ("SMILE.Clinics.Example:8443", "smile"),
        ("a-1.clinics.example", "a-1"), ("clinics.example", nil), (".clinics.example", nil),
        ("a.b.clinics.example", nil), ("smile.clinics.example.evil", nil),
        ("smileclinics.example", nil),
        ("sm_ile.clinics.example", nil), ("smile.clinics.example.", nil), ("", nil),
        (String(repeating: "a", count: 64) + ".clinics.example", nil),
    ])
    func `takes the one label before the domain`(host: String, label: String?) {
        #expect(GatewayNaming.label(of: host, under: "clinics.example") == label)
    }

    @Test func `believes no field that came twice, and takes an untold method for a writing one`()
        throws
    {
        let id = "fb6f3645-17ca-46ef-8c37-77c0171eba42"
        let question = APIRequest(
            method: "GET", path: "/v1/gateway/check",
            fields: [
                ("X-Clinic-Id", id), ("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/a?b"),
            ])
        let naming = GatewayNaming.field("x-clinic-id")
        let call = try GatewayCall(question, naming: naming)
        #expect(!call.writes)
        #expect(call.path == GatewayPath("/a"))
        var twice = question
        twice.fields.append(("x-clinic-id", id))
        #expect(throws: Problem.self) { try GatewayCall(twice, naming: naming) }
        var untold = question
        untold.fields.append(("x-forwarded-method", "GET"))
        #expect(try GatewayCall(untold, naming: naming).writes)
    }
}
