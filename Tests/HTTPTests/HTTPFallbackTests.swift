import Admission
import DatabaseSupport
import Foundation
import Glibc
import LocalServers
import Metering
import NIOCore
import Postgres
import Quotas
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// Redis is away, and the worker decides alone.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `HTTP during an outage of Redis` {
    /// As it is for operators: no call waits longer than this for Redis.
    private let brief = ["METERING_CHECK_TIMEOUT": "25ms"]
    private let plan = #"""
        {"limits":{"default":{"rate":1000,"per":"1s","burst":1000},
                   "export":{"rate":5,"per":"1s","on_outage":"deny"}},"quota":{"api_calls":1000}}
        """#

    @Test func `answers, marks what it says, and brings every call to PostgreSQL once`()
        async throws
    {
        try await RunningWorker.lend { worker in
            let clinic = try await worker.database.clinic(plan)
            for _ in 0..<5 { #expect(try await worker.check(clinic).status == 200) }
            await worker.redis.stop()
            for _ in 0..<20 { try expectDegraded(try await worker.check(clinic)) }
            let refused = try await worker.check(clinic, #","limit":"export""#)
            #expect(refused.status == 503 && refused.field("retry-after") == "1")
            let ready = try await worker.request("GET", "/readyz", key: nil)
            #expect(ready.status == 200 && ready.body.contains("this worker decides checks"))
            // The journal does not wait for Redis.
            try await waitUntil("the journal is in the ledger") {
                try await worker.database.adjusted(clinic) == 20
            }
            try await worker.redis.start()
            try await worker.waitUntilTogether(clinic)
            for _ in 0..<5 { #expect(try await worker.check(clinic).status == 200) }
            try await waitUntil("Redis knows what was used without it") {
                try Answer(try await worker.usage(clinic)).usage.used == 30
            }
            #expect(try await worker.database.adjusted(clinic) == 20)
        }
    }

    @Test func `counts each call once though a frozen Redis answers late`() async throws {
        try await RunningWorker.lend(brief) { worker in
            let clinic = try await worker.database.clinic(plan)
            var acknowledged: Int64 = 0
            for _ in 0..<5 { acknowledged += try await worker.acknowledged(clinic) }
            worker.redis.send(SIGSTOP)
            for _ in 0..<50 { acknowledged += try await worker.acknowledged(clinic) }
            #expect(worker.worker.fallback.isRedisUnavailable)
            worker.redis.send(SIGCONT)
            try await worker.waitUntilTogether(clinic)
            for _ in 0..<5 { acknowledged += try await worker.acknowledged(clinic) }
            try await worker.expectCounted(acknowledged, of: clinic)
        }
    }

    /// What waited in the connection is refused by its last moment; what was in time is released.
    @Test func `holds nothing for reservations that a frozen Redis hears of too late`()
        async throws
    {
        try await RunningWorker.lend(brief) { worker in
            let clinic = try await worker.database.clinic(plan)
            for _ in 0..<5 { #expect(try await worker.acknowledged(clinic) == 1) }
            let body = #"{"clinic_id":"\#(clinic)","cost":100,"ttl_ms":86400000}"#
            let reserve = {
                try await worker.request("POST", "/v1/reservations", body: body, key: worker.key)
            }
            worker.redis.send(SIGSTOP)
            for _ in 0..<6 { #expect(try await reserve().status == 503) }
            #expect(worker.worker.fallback.isRedisUnavailable)
            #expect(try await worker.check(clinic, #","request_id":"a""#).status == 503)
            worker.redis.send(SIGCONT)
            try await worker.waitUntilTogether(clinic)
            try await waitUntil("nothing is held") {
                try Answer(try await worker.usage(clinic)).usage.used == 5
            }
            // 25 ms may be too few for one of them on a busy machine.
            try await waitUntil("a reservation is taken") { try await reserve().status == 201 }
        }
    }

    @Test func `counts each call once though every answer comes 200 ms late`() async throws {
        try await SlowProxy.lend { proxy in
            let settings = brief.merging(["REDIS_URL": "redis://127.0.0.1:\(proxy.port)"]) { $1 }
            try await RunningWorker.lend(settings) { worker in
                let clinic = try await worker.database.clinic(plan)
                var acknowledged: Int64 = 0
                for _ in 0..<5 { acknowledged += try await worker.acknowledged(clinic) }
                proxy.hold(.milliseconds(200))
                for _ in 0..<100 { acknowledged += try await worker.acknowledged(clinic) }
                #expect(worker.worker.fallback.isRedisUnavailable)
                proxy.hold(.zero)
                try await worker.waitUntilTogether(clinic)
                try await worker.expectCounted(acknowledged, of: clinic)
            }
        }
    }

    @Test func `treats a Redis that takes no writes as unavailable`() async throws {
        try await RunningWorker.lend(brief) { worker in
            let clinic = try await worker.database.clinic(plan)
            #expect(try await worker.acknowledged(clinic) == 1)
            _ = try await worker.redis.client(["CONFIG", "SET", "min-replicas-to-write", "1"])
            for _ in 0..<10 { try expectDegraded(try await worker.check(clinic)) }
            _ = try await worker.redis.client(["CONFIG", "SET", "min-replicas-to-write", "0"])
            try await worker.waitUntilTogether(clinic)
            try await worker.expectCounted(11, of: clinic)
        }
    }

    @Test func `learns a clinic from PostgreSQL, and knows that there is none`() async throws {
        try await RunningWorker.lend(["METERING_SWEEP_INTERVAL": "1h"]) { worker in
            await worker.redis.stop()
            let clinic = try await worker.database.clinic(#"{"quota":{"api_calls":2}}"#)
            for _ in 0..<2 { try expectDegraded(try await worker.check(clinic)) }
            let denied = try await worker.check(clinic)
            #expect(denied.status == 429 && denied.body.contains(#""degraded":true"#))
            let stranger = try await worker.check(ClinicID(high: 1, low: 1))
            #expect(stranger.status == 404)
            try await worker.redis.start()
        }
    }

    private func expectDegraded(
        _ reply: HTTPWire.Reply, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(reply.status == 200, sourceLocation: sourceLocation)
        #expect(reply.body.contains(#""degraded":true"#), sourceLocation: sourceLocation)
        #expect(reply.field("x-metering-degraded") == "true", sourceLocation: sourceLocation)
    }
}

extension RunningWorker {
    /// 1 when the call was let through, by whomever.
    fileprivate func acknowledged(_ clinic: ClinicID) async throws -> Int64 {
        try await check(clinic).status == 200 ? 1 : 0
    }

    fileprivate func waitUntilTogether(_ clinic: ClinicID) async throws {
        try await waitUntil("Redis decides again") {
            let reply = try await check(clinic, #","mode":"peek""#)
            return reply.status == 200 && reply.field("x-metering-degraded") == nil
        }
    }

    /// Redis and the journal together have it, and no more comes.
    fileprivate func expectCounted(_ units: Int64, of clinic: ClinicID) async throws {
        let bound = worker.fallback.stats.ambiguous
        try await waitUntil("everything is in the ledger") {
            let counted = try await database.counted(clinic)
            let adjusted = try await database.adjusted(clinic)
            return counted + adjusted + bound == units
        }
    }
}
