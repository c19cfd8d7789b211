import DatabaseSupport
import Glibc
import LocalServers
import TestSupport
import Testing
import WorkerSupport

@testable import MeteringWorker

/// `metering-worker` with PostgreSQL and Redis over TLS, both as real programs.
@Suite(.timed, .timeLimit(.minutes(5))) struct `The worker over TLS` {
    private struct Place {
        let site: ProgramSite
        let certificates: LocalCertificates
        /// Everything is right in these.
        let settings: [String: String]
    }

    private func withPlace(
        _ name: LocalCertificates.Name = .localhost, _ body: (Place) async throws -> Void
    ) async throws {
        try await LocalCertificates.lend { certificates in
            let server = PostgresOptions(listensOnTCP: true, tls: certificates.server(name))
            let counters = RedisOptions(
                listensOnTCP: true, tls: certificates.server(name, demandsCertificate: true))
            try await TestDatabase.lendAlone(server) { database in
                try await LocalRedis.lend(counters) { redis in
                    try await body(
                        Place(
                            site: try await ProgramSite.make(database, redis, clinics: 1),
                            certificates: certificates,
                            settings: try Self.settings(database, redis, certificates)))
                }
            }
        }
    }

    private static func settings(
        _ database: TestDatabase, _ redis: LocalRedis, _ certificates: LocalCertificates
    ) throws -> [String: String] {
        [
            "DATABASE_URL": try database.tlsURL(trusting: certificates.authority),
            "REDIS_URL": redis.tlsURL ?? "",
            "METERING_CHECK_TIMEOUT": "5s",
            "REDIS_TLS_CA": certificates.authority,
            "REDIS_TLS_CERT": certificates.certificate(.client),
            "REDIS_TLS_KEY": certificates.key(.client),
        ]
    }

    @Test func `counts a call and rolls it up`() async throws {
        try await withPlace { place in
            let worker = try await place.site.serve(place.settings)
            try await waitUntil("it is ready") { await worker.isReady }
            try await HTTPWire.talk(to: worker.port, within: .seconds(300)) { line in
                let answer = try await line.check(place.site.clinics[0], key: place.site.key)
                #expect(answer.status == 200)
            }
            let inTheClear = try await place.site.database.psql(
                """
                SELECT count(*) FILTER (WHERE NOT ssl) || ' of ' || (count(*) > 0)
                FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE usename = '\(Login.worker)';
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
