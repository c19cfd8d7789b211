import DatabaseSupport
import LocalServers
import TestSupport
import Testing
import WorkerSupport

/// `serve` with one wrong setting: one line that names it and what to do, exit code 1, no secret, soon.
@Suite(.timed, .serialized, .timeLimit(.minutes(5))) struct `Wrong settings` {
    private static let canary = "kanarienvogel"

    @Test func `of DATABASE_URL end the start`() async throws {
        try await TestDatabase.lend { database in
            let closed = FreePort.next()
            let other = database.url(password: Self.canary + " falsch")
            try await expectRefusal(
                of: [
                    ("postgresql://u:\(Self.canary)@[::1/clinics", ["DATABASE_URL"]),
                    ("postgresql://u:\(Self.canary)@127.0.0.1:99999/clinics", ["DATABASE_URL"]),
                    (
                        "postgresql://u:\(Self.canary)@127.0.0.1:\(closed)/clinics",
                        ["DATABASE_URL", "\(closed)", "check that PostgreSQL runs"]
                    ),
                    (other, ["DATABASE_URL", "check the user and the password"]),
                ], at: database)
        }
    }

    @Test func `that give the worker too many rights end the start`() async throws {
        try await TestDatabase.lend { database in
            try await database.makeMightyLogins(password: Self.canary)
            let logins: [(String, [String])] = [
                ("mighty_superuser", ["is, or may become, a superuser"]),
                ("mighty_bypass", ["is, or may become, a role with BYPASSRLS"]),
                ("mighty_member", ["is a member of metering_owner"]),
                ("mighty_owner", ["owns"]),
                ("mighty_nobody", ["GRANT metering_worker TO mighty_nobody"]),
            ]
            try await expectRefusal(
                of: logins.map { login, parts in
                    (
                        database.url(of: login, password: Self.canary),
                        [login, "metering_worker"] + parts
                    )
                }, at: database)
        }
    }

    @Test func `that name a database without its schema end the start`() async throws {
        try await TestDatabase.lendEmpty { database in
            try await expectRefusal(
                of: [(database.url(), ["metering-worker migrate"])], at: database)
        }
    }

    @Test func `of REDIS_URL end the start`() async throws {
        try await TestDatabase.lend { database in
            let closed = FreePort.next()
            for (url, parts) in [
                ("redis://:\(Self.canary)@[::1", ["REDIS_URL"]),
                ("http://:\(Self.canary)@127.0.0.1:6379", ["REDIS_URL"]),
                (
                    "redis://:\(Self.canary)@127.0.0.1:\(closed)",
                    ["REDIS_URL", "not connected: Connection refused; check that it runs"]
                ),
                ("unix:///nowhere/redis.sock", ["REDIS_URL", "No such file or directory"]),
            ] {
                try await expectRefusal(database, ["REDIS_URL": url], parts)
            }
        }
    }

    @Test func `that name a Redis 6 end the start`() async throws {
        try await TestDatabase.lend { database in
            try await withResource({ try await OldRedis() }, release: { try await $0.close() }) {
                try await expectRefusal(
                    database, ["REDIS_URL": $0.url], ["REDIS_URL", "6.2.14", "7.0", "upgrade"])
            }
        }
    }

    @Test func `that name a Redis which drops counters end the start`() async throws {
        try await lend(redis: ["maxmemory-policy": "allkeys-lru"]) { database, redis in
            try await expectRefusal(
                database, ["REDIS_URL": redis.url],
                ["REDIS_URL", "allkeys-lru", "set it to noeviction"])
        }
    }

    @Test func `without the password of Redis, or with a wrong one, end the start`() async throws {
        try await lend(redis: ["requirepass": Self.canary]) { database, redis in
            try await expectRefusal(
                database, ["REDIS_URL": redis.url], ["REDIS_URL", "NOAUTH", "password"])
            let wrong = redis.url.replacing("unix://", with: "unix://:\(Self.canary)2@")
            try await expectRefusal(
                database, ["REDIS_URL": wrong], ["REDIS_URL", "WRONGPASS", "password"])
        }
    }

    @Test func `with a misspelt name end the start, which names the nearest one`() async throws {
        try await TestDatabase.lend { database in
            try await expectRefusal(
                database, ["METERING_CHEKPOINT_INTERVAL": "1s"],
                ["METERING_CHEKPOINT_INTERVAL", "METERING_CHECKPOINT_INTERVAL"])
        }
    }

    @Test func `that name a port or an address that cannot be used end the start`() async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let first = try await site.serve()
            try await expectRefusal(
                site.database, ["HTTP_PORT": "\(first.port)"],
                ["HTTP_PORT \(first.port)", "Address already in use", "name a port that is free"])
            try await expectRefusal(
                site.database, ["HTTP_HOST": "192.0.2.1", "HTTP_ALLOW_PLAINTEXT": "1"],
                ["HTTP_HOST", "192.0.2.1", "an address of this machine"])
            // An empty part of a name is refused at once, before any name server is asked.
            try await expectRefusal(
                site.database, ["HTTP_HOST": "no..host", "HTTP_ALLOW_PLAINTEXT": "1"],
                ["HTTP_HOST", "no..host", "there is no such address"])
            #expect(await first.isReady)
        }
    }

    private func lend(
        redis settings: [String: String], _ body: (TestDatabase, LocalRedis) async throws -> Void
    ) async throws {
        try await TestDatabase.lend { database in
            try await LocalRedis.lend(RedisOptions(settings: settings)) { redis in
                try await body(database, redis)
            }
        }
    }

    private func expectRefusal(
        of urls: [(url: String, parts: [String])], at database: TestDatabase
    ) async throws {
        for (url, parts) in urls {
            try await expectRefusal(database, ["DATABASE_URL": url], parts)
        }
    }

    /// Starts `serve` with right settings but for the given ones. It has five seconds to end. Every level
    /// of the log is on, so that a password in any of it would show.
    private func expectRefusal(
        _ database: TestDatabase, _ wrong: [String: String], _ parts: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var environment: [String: String?] = [
            "DATABASE_URL": database.url(),
            "REDIS_URL": try await TestServers.shared().redis.url, "HTTP_PORT": "0",
            "LOG_LEVEL": "trace",
        ]
        for (name, value) in wrong { environment[name] = value }
        let run = try await RunningProcess.run(
            try Product.path("metering-worker"), ["serve"], environment: environment,
            within: .seconds(5))
        let said = run.errors.split(separator: "\n").filter { $0.hasPrefix("metering-worker: ") }
        print(said.joined(separator: "\n"))
        #expect(run.errors.hasSuffix("\(said.last ?? "")\n"), sourceLocation: sourceLocation)
        #expect(run.ending == .exited(1), sourceLocation: sourceLocation)
        #expect(run.output.isEmpty, sourceLocation: sourceLocation)
        #expect(said.count == 1, "\(run.errors)", sourceLocation: sourceLocation)
        for part in parts {
            #expect(
                said.first?.contains(part) == true, "\(part) in: \(run.errors)",
                sourceLocation: sourceLocation)
        }
        #expect(!run.errors.contains(Self.canary), sourceLocation: sourceLocation)
    }
}

extension TestDatabase {
    /// Logins that may more than a worker should, and one that may nothing.
    fileprivate func makeMightyLogins(password: String) async throws {
        let rights = [
            ("superuser", "ALTER ROLE mighty_superuser SUPERUSER"),
            ("bypass", "ALTER ROLE mighty_bypass BYPASSRLS"),
            ("member", "GRANT metering_owner TO mighty_member"),
            ("owner", "ALTER TABLE visits OWNER TO mighty_owner"), ("nobody", "SELECT"),
        ]
        for (name, right) in rights {
            try await psql(
                """
                DO $$ BEGIN CREATE ROLE mighty_\(name) LOGIN PASSWORD '\(password)';
                EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                \(name == "nobody" ? "" : "GRANT metering_worker TO mighty_\(name);")
                \(right);
                """)
        }
    }
}
