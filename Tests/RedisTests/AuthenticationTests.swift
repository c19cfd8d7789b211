import LocalServers
import Testing
import TestSupport

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `Authentication` {
    private func answer(
        _ redis: LocalRedis, user: String?, password: String?
    ) async throws -> RedisError? {
        let change: (inout RedisConfiguration) -> Void = { configuration in
            configuration.username = user
            configuration.password = password
        }
        return try await withClient(redis.url, change) { client in
            await failure { () throws(RedisError) in try await client.ping() }
        }
    }

    @Test func `by password, and its refusals`() async throws {
        let options = RedisOptions(appendOnly: false, settings: ["requirepass": "s3cret @/"])
        try await withRedis(options) { redis in
            #expect(try await answer(redis, user: nil, password: "s3cret @/") == nil)
            #expect(try await answer(redis, user: "default", password: "s3cret @/") == nil)
            #expect(
                try await answer(redis, user: nil, password: nil) == .authentication(code: "NOAUTH")
            )
            let wrong = try await answer(redis, user: nil, password: "hunter2")
            #expect(wrong == .authentication(code: "WRONGPASS"))
            #expect(wrong?.description.contains("hunter2") == false)
            #expect(wrong?.remedy == .fixConfiguration)
        }
    }

    @Test func `as a user of the ACL who may do little`() async throws {
        try await withRedis { redis in
            _ = try await redis.client(
                ["ACL", "SETUSER", "worker", "on", ">pw", "~q:*", "+ping", "+get", "+incr"])
            _ = try await redis.client(["ACL", "SETUSER", "open", "on", "nopass", "+ping"])
            let url = redis.url.replacing("unix://", with: "unix://worker:pw@")
            try await withClient(url) { client in
                try await client.ping()
                #expect(try await client.send(RedisCommand("INCR", ["q:1"])) == .integer(1))
                let denied = try await client.send(RedisCommand("INCR", ["other"]))
                #expect(denied.serverError?.code == "NOPERM")
            }
            #expect(
                try await answer(redis, user: "worker", password: "no")
                    == .authentication(code: "WRONGPASS"))
            #expect(
                try await answer(redis, user: "nobody", password: "pw")
                    == .authentication(code: "WRONGPASS"))
            #expect(try await answer(redis, user: "open", password: nil) == nil)
            #expect(
                try await answer(redis, user: nil, password: "none is set")
                    == .authentication(code: "ERR"))
        }
    }

    @Test func `that is put right lets waiting workers in`() async throws {
        try await withRedis { redis in
            let url = redis.url.replacing("unix://", with: "unix://worker:pw@")
            try await withClient(url) { client in
                #expect(
                    await failure { () throws(RedisError) in try await client.ping() }
                        == .authentication(code: "WRONGPASS"))
                _ = try await redis.client(["ACL", "SETUSER", "worker", "on", ">pw", "+@all", "~*"])
                try await waitUntil("it is let in") { client.isConnected }
                try await client.ping()
            }
        }
    }

    @Test func `does not hide that the database is missing`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url + "?db=99") { client in
                let refusal = await failure { () throws(RedisError) in try await client.ping() }
                guard case .refused(let error)? = refusal else {
                    Issue.record("\(String(describing: refusal))")
                    return
                }
                #expect(error.message.contains("DB index"))
            }
        }
    }

    @Test func `does not take a full server for a wrong password`() async throws {
        let options = RedisOptions(appendOnly: false, settings: ["maxclients": "1"])
        try await withRedis(options) { redis in
            try await withClient(redis.url, { $0.connections = 1 }) { first in
                try await waitUntil("the first is in") { first.isConnected }
                let error = try await answer(redis, user: nil, password: "x")
                #expect(
                    error
                        == .notConnected("the server has as many clients as its maxclients allows"))
            }
        }
    }
}
