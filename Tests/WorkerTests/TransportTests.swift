import Glibc
import LocalServers
import TestSupport
import Testing

@testable import MeteringWorker

/// `metering-worker` with PostgreSQL and Redis over TLS, both as real programs.
@Suite(.timeLimit(.minutes(5))) struct `The worker over TLS` {
    private struct Place {
        let site: WorkerSite
        let certificates: LocalCertificates
        /// Everything is right in these.
        let settings: [String: String]
    }

    private func withPlace(
        _ name: LocalCertificates.Name = .localhost, _ body: (Place) async throws -> Void
    ) async throws {
        let certificates = try await LocalCertificates.make()
        var servers: (LocalPostgres?, LocalRedis?) = (nil, nil)
        let result: Result<Void, any Error>
        do {
            let postgres = try await LocalPostgres.temporary(
                PostgresOptions(listensOnTCP: true, tls: certificates.server(name)))
            servers.0 = postgres
            let redis = try await LocalRedis.temporary(
                RedisOptions(
                    listensOnTCP: true,
                    tls: certificates.server(name, demandsCertificate: true)))
            servers.1 = redis
            try await SmallDatabase.lend(on: postgres) { database in
                try await body(
                    Place(
                        site: try await WorkerSite.make(database, redis, clinics: 1),
                        certificates: certificates,
                        settings: [
                            "DATABASE_URL": try database.tlsURL(trusting: certificates.authority),
                            "REDIS_URL": redis.tlsURL ?? "",
                            "METERING_CHECK_TIMEOUT": "5s",
                            "REDIS_TLS_CA": certificates.authority,
                            "REDIS_TLS_CERT": certificates.certificate(.client),
                            "REDIS_TLS_KEY": certificates.key(.client),
                        ]))
            }
            result = .success(())
        } catch { result = .failure(error) }
        await servers.1?.remove()
        await servers.0?.remove()
        await certificates.remove()
        try result.get()
    }

    @Test func `counts a call and rolls it up`() async throws {
        try await withPlace { place in
            let worker = try await place.site.serve(place.settings)
            try await waitUntil("it is ready") { await worker.isReady }
            try await CallLine.open(port: worker.port) { line in
                let answer = try await line.check(place.site.clinics[0], key: place.site.key)
                #expect(answer.status == 200)
            }
            let inTheClear = try await place.site.database.psql(
                """
                SELECT count(*) FILTER (WHERE NOT ssl) || ' of ' || (count(*) > 0)
                FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE usename = '\(SmallDatabase.worker)';
                """)
            #expect(inTheClear == "0 of true\n")
            let doctor = try await place.site.database.run(
                ["metering-worker", "doctor"], place.settings)
            #expect(doctor.output.contains("redis-wire"))
            #expect(doctor.output.contains("encrypted (TLS)"), "\(doctor)")
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
            #expect(try await place.site.usage() == [place.site.clinics[0]: 1])
        }
    }

    @Test func `does not start when it cannot trust, and says which setting to mend`() async throws
    {
        try await withPlace { place in
            let (database, certificates) = (place.site.database, place.certificates)
            let plain = try #require(place.site.redis.tcpURL)
            let table: [([String: String], String, String)] = [
                (
                    ["DATABASE_URL": try database.tlsURL(trusting: certificates.otherAuthority)],
                    "DATABASE_URL", "sslrootcert"
                ),
                (
                    ["DATABASE_URL": try database.tlsURL(trusting: "/none/ca.pem")],
                    "DATABASE_URL", "sslrootcert"
                ),
                (["REDIS_TLS_CA": certificates.otherAuthority], "REDIS_URL", "REDIS_TLS_CA"),
                (["REDIS_TLS_CA": "/none/ca.pem"], "REDIS_TLS_CA", "/none/ca.pem"),
                (["REDIS_TLS_KEY": certificates.key(.localhost)], "REDIS_TLS_KEY", "PEM"),
                (["REDIS_TLS_KEY": ""], "REDIS_TLS_KEY", "is not set"),
                (
                    ["REDIS_TLS_CERT": "", "REDIS_TLS_KEY": ""], "REDIS_URL", "REDIS_TLS_CERT"
                ),
                (["REDIS_URL": plain], "REDIS_URL", "rediss://"),
            ]
            for (wrong, setting, remedy) in table {
                try await expectRefusal(place, wrong, setting, remedy)
            }
        }
    }

    @Test func `does not start when a certificate is for another host`() async throws {
        try await withPlace(.elsewhere) { place in
            try await expectRefusal(place, [:], "DATABASE_URL", "host")
            let socket = place.site.database.url()
            try await expectRefusal(place, ["DATABASE_URL": socket], "REDIS_URL", "host")
        }
    }

    private func expectRefusal(
        _ place: Place, _ wrong: [String: String], _ setting: String, _ remedy: String
    ) async throws {
        var settings = place.settings.merging(wrong) { $1 }
        settings["HTTP_PORT"] = "0"
        settings["LOG_LEVEL"] = "critical"
        let run = try await place.site.database.run(["metering-worker", "serve"], settings)
        #expect(run.ending == .exited(1), "\(wrong)")
        #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
        #expect(run.errors.contains(setting) && run.errors.contains(remedy), "\(run.errors)")
        #expect(!run.errors.contains("BEGIN"))
    }
}
