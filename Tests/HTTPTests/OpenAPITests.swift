import DatabaseSupport
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
            let operationId, summary, description: String
            let tags: [String]
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
        struct Tag: Decodable {
            let name, description: String
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
        let tags: [Tag]
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
                // GET describes a route of any method: eight operations would be eight functions
                // of each client that is made from this.
                let method = route.method == Route.anyMethod ? "GET" : route.method
                known.insert("\(method) \(path) \(route.scope ?? "")")
            }
            #expect(described.subtracting(known) == [], "described and not there")
            #expect(known.subtracting(described) == [], "there and not described")
        }
    }

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

    @Test func `says of each operation what it is for and where it belongs`() throws {
        let description = try Description()
        let operations = description.paths.values.flatMap(\.operations.values)
        #expect(Set(operations.map(\.operationId)).count == operations.count)
        for operation in operations {
            #expect(!operation.summary.isEmpty && !operation.description.isEmpty)
            #expect(operation.tags.count == 1, "\(operation.operationId)")
        }
        let tags = description.tags.map(\.name)
        #expect(Set(operations.flatMap(\.tags)) == Set(tags) && Set(tags).count == tags.count)
    }

    /// Programs that write clients take a constant without a type for a word of their language.
    @Test func `gives each constant and each list of values a type`() throws {
        let json = try JSONSerialization.jsonObject(with: Data(PackageResources.openapi_json))
        var found = 0
        func visit(_ node: Any, _ path: String) {
            if let list = node as? [Any] {
                for (place, part) in list.enumerated() { visit(part, "\(path)/\(place)") }
            }
            guard let object = node as? [String: Any] else { return }
            if object["const"] != nil || object["enum"] is [Any] {
                found += 1
                #expect(object["type"] != nil, "\(path)")
            }
            for (name, part) in object where name != "example" { visit(part, "\(path)/\(name)") }
        }
        visit(json, "")
        #expect(found > 20)
    }

    private static let file = "\(ProjectRoot.path)/Sources/MeteringWorker/Handlers/openapi.json"

    private func python(
        _ script: String, _ words: [String], _ environment: [String: String?] = [:]
    ) async throws -> OutsideReader.Run {
        let all: [String: String?] = ["PYTHONDONTWRITEBYTECODE": "1", "no_proxy": "*"]
        return try await RunningProcess.run(
            "\(try await PythonTools.directory())/python",
            ["Tests/Python/\(script)", Self.file] + words,
            environment: all.merging(environment) { $1 })
    }

    @Test func `has examples that fit their schemas`() async throws {
        let run = try await python("check_examples.py", [])
        #expect(run.ending == .exited(0), "\(run.errors)")
        #expect(Int(run.output.dropLast()) ?? 0 > 15, "\(run.output)")
    }

    @Test func `makes a client for Python that checks with types`() async throws {
        try await RunningWorker.lend { worker in
            let files = try TemporaryDirectory("client")
            defer { files.remove() }
            let clinic = try await worker.database.clinic(
                #"{"limits":{"default":{"rate":1,"per":"1d","burst":2}}}"#)
            let run = try await python(
                "check_client.py",
                ["\(files.path)/client", "http://127.0.0.1:\(worker.port)", "\(clinic)"],
                ["METERING_KEY": worker.key])
            #expect(run.ending == .exited(0), "\(run.output)\(run.errors)")
            #expect(run.output.hasSuffix("the client works\n"))
        }
    }

    @Test func `is valid OpenAPI`() async throws {
        let tools = try await PythonTools.directory()
        let run = try await RunningProcess.run(
            "\(tools)/openapi-spec-validator",
            [Self.file])
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
