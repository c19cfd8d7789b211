import LocalServers
import Testing
import TestSupport

@testable import Redis

@Suite(.timed, .timeLimit(.minutes(5))) struct `Functions and INFO` {
    private func library(answering answer: Int, name: String = "sample") -> String {
        "#!lua name=\(name)\nredis.register_function('answer', function() return \(answer) end)"
    }

    @Test func `a library is loaded, replaced, and missed`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                let call = RedisCommand("FCALL", ["answer", 0])
                #expect(try await client.send(call).serverError?.isFunctionNotFound == true)
                try await client.loadFunctions(library(answering: 42), name: "sample")
                #expect(try await client.send(call) == .integer(42))
                try await client.loadFunctions(library(answering: 43), name: "sample")
                #expect(try await client.send(call) == .integer(43))
                _ = try await client.send(RedisCommand("FUNCTION", ["FLUSH"]))
                #expect(try await client.send(call).serverError?.isFunctionNotFound == true)
            }
        }
    }

    @Test func `a library with a fault or another name is refused`() async throws {
        try await withRedis { redis in
            try await withClient(redis.url) { client in
                let broken = await failure { () throws(RedisError) in
                    try await client.loadFunctions("#!lua name=sample\nnot lua", name: "sample")
                }
                guard case .refused(let error)? = broken else {
                    Issue.record("\(String(describing: broken))")
                    return
                }
                #expect(error.message.contains("user_function:2"))
                #expect("\(error)" == "ERR")
                let misnamed = await failure { () throws(RedisError) in
                    try await client.loadFunctions(
                        library(answering: 1, name: "other"), name: "sample")
                }
                guard case .configuration? = misnamed else {
                    Issue.record("\(String(describing: misnamed))")
                    return
                }
            }
        }
    }

    @Test func `INFO tells what the worker must know of a server`() async throws {
        let options = RedisOptions(
            appendOnly: true, settings: ["maxmemory": "64mb", "maxmemory-policy": "volatile-lru"])
        try await withRedis(options) { redis in
            try await withClient(redis.url) { client in
                let info = try await client.info(timeout: .seconds(60))
                #expect(info.majorVersion == 7)
                #expect(info.version?.hasPrefix("7.") == true)
                #expect(info.maxmemoryPolicy == "volatile-lru")
                #expect(info.masterReplid?.count == 40)
                #expect(info.aofEnabled && !info.isLoading)
                #expect(info.role == "master")
                let replication = try await client.info(["replication"], timeout: .seconds(60))
                #expect(replication.masterReplid == info.masterReplid)
                #expect(replication.version == nil && !replication.aofEnabled)
            }
        }
    }

    @Test func `INFO of strange shape is read as far as it goes`() {
        let info = RedisInfo("# Server\r\n\r\nredis_version:x.1\r\nempty:\r\nno colon\r\na:b:c\r\n")
        #expect(info.version == "x.1" && info.majorVersion == nil)
        #expect(info["empty"] == "" && info["a"] == "b:c" && info["no colon"] == nil)
    }

    @Test func `error replies are told apart by code`() {
        let codes: [(String, KeyPath<RedisServerError, Bool>)] = [
            ("ERR Function not found", \.isFunctionNotFound), ("LOADING Redis is", \.isLoading),
            ("BUSY Redis is busy", \.isBusy),
            ("READONLY You can't", \.isReadOnly),
            ("NOREPLICAS Not enough", \.isNoReplicas), ("MISCONF Redis is", \.isMisconfigured),
            ("NOAUTH Authentication", \.isAuthentication),
        ]
        for (line, _) in codes {
            let error = RedisServerError(line: line)
            for (other, question) in codes {
                #expect(error[keyPath: question] == (other == line), "\(line) / \(other)")
            }
            #expect(!"\(error)".contains(" "))
        }
    }
}
