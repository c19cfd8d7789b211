import Foundation
import HTTPServer
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// The description and the table of routes say the same.
@Suite(.timed, .serialized) struct `OpenAPI description` {
    private struct Description: Decodable {
        struct Operation: Decodable {
            let security: [[String: [String]]]
            let requestBody: Body?
            let responses: [String: Reference]
        }
        struct Body: Decodable {}
        struct Reference: Decodable {}
        struct Item: Decodable {
            let get, head, post, put, patch, delete, options, trace: Operation?

            var operations: [String: Operation] {
                [
                    "GET": get, "HEAD": head, "POST": post, "PUT": put, "PATCH": patch,
                    "DELETE": delete,
                    "OPTIONS": options, "TRACE": trace,
                ].compactMapValues { $0 }
            }
        }
        struct Components: Decodable {
            let schemas: [String: Schema]
        }
        struct Schema: Decodable {
            let properties: [String: Property]?
        }
        struct Property: Decodable {
            let `enum`: [String]?
        }
        let openapi: String
        let paths: [String: Item]
        let components: Components

        init() throws {
            self = try JSONDecoder().decode(
                Self.self, from: Data(PackageResources.openapi_json))
        }
    }

    @Test func `has every route with its scope, and no other`() async throws {
        let description = try Description()
        try await RunningWorker.lend { worker in
            var described: Set<String> = []
            for (path, item) in description.paths {
                for (method, operation) in item.operations {
                    let scopes = Set(operation.security.flatMap { $0.values.flatMap { $0 } })
                    described.insert("\(method) \(path) \(scopes.sorted().joined())")
                }
            }
            var known: Set<String> = []
            for route in worker.worker.router.table.rows {
                let path = "\(route.path)".replacing("*}", with: "}")
                let methods = route.method == Route.anyMethod ? Self.methods : [route.method]
                for method in methods {
                    known.insert("\(method) \(path) \(route.scope ?? "")")
                }
            }
            #expect(described.subtracting(known) == [], "described and not there")
            #expect(known.subtracting(described) == [], "there and not described")
        }
    }

    private static let methods = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
    ]

    @Test func `names for each route what the router itself answers`() async throws {
        let description = try Description()
        try await RunningWorker.lend { worker in
            for route in worker.worker.router.table.rows where route.method != Route.anyMethod {
                let item = try #require(description.paths["\(route.path)"])
                let operation = try #require(item.operations[route.method])
                let statuses = Set(operation.responses.keys)
                #expect((operation.requestBody != nil) == (route.bodyBytesMax > 0), "\(route.path)")
                #expect(statuses.contains("413") == (route.bodyBytesMax > 0), "\(route.path)")
                let keyed: Set = ["400", "401", "403", "503"]
                #expect(keyed.isSubset(of: statuses) == (route.scope != nil), "\(route.path)")
            }
        }
    }

    @Test func `takes what a check takes`() throws {
        let check = try #require(try Description().components.schemas["Check"]?.properties)
        #expect(check.keys.sorted() == CheckCall.fields.sorted())
    }

    @Test func `takes what a mark takes`() throws {
        #expect(
            try Description().components.schemas["Marks"]?.properties?.keys.sorted() == ["marks"])
    }

    @Test func `is valid OpenAPI`() async throws {
        let tools = try await PythonTools.directory()
        let run = try await RunningProcess.run(
            "\(tools)/openapi-spec-validator",
            ["\(ProjectRoot.path)/Sources/MeteringWorker/Handlers/openapi.json"])
        #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
    }

    @Test func `is served without a key`() async throws {
        try await RunningWorker.lend { worker in
            let reply = try await worker.request("GET", "/openapi.json", key: nil)
            #expect(reply.status == 200)
            #expect(reply.field("content-type") == "application/json")
            #expect(Array(reply.body.utf8) == PackageResources.openapi_json)
        }
    }
}
