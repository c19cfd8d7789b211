import DatabaseSupport
import Foundation
import Logging
import Shell
import Postgres
import TestSupport
import Testing

@testable import MeteringWorker

@Suite(.timed) struct `Configuration` {
    @Test func `has its defaults when nothing is set`() throws {
        let settings = try WorkerSettings(environment: [:], file: nil)
        #expect(settings.http.host == "127.0.0.1")
        #expect(settings.http.port == 8080)
        #expect(settings.intervals.checkpoint == .seconds(1))
        #expect(settings.intervals.rollup == .seconds(60))
        #expect(settings.redis.checkTimeout == .milliseconds(25))
        #expect(settings.markMaxPerSecond == 50_000)
        #expect(settings.database.connections == 4)
        #expect(settings.database.preparedStatements == .automatic)
        #expect(settings.shutdownTimeout == .seconds(10))
        #expect(settings.log.level == .info)
    }

    @Test func `takes the environment before the file, and the file before the defaults`() throws {
        let place = try TemporaryDirectory("settings")
        defer { place.remove() }
        let file = try place.write(
            #"{"http": {"port": 9000, "host": "::1"}, "metering": {"rollup_interval": "5m"}}"#)
        let settings = try WorkerSettings(
            environment: ["HTTP_PORT": "9001", "METERING_CHECKPOINT_INTERVAL": "250ms"], file: file)
        #expect(settings.http.port == 9001)
        #expect(settings.http.host == "::1")
        #expect(settings.intervals.rollup == .seconds(300))
        #expect(settings.intervals.checkpoint == .milliseconds(250))
        #expect(settings.intervals.sweep == .seconds(60))
    }

    @Test func `counts an empty variable as not set`() throws {
        let settings = try WorkerSettings(
            environment: ["HTTP_PORT": "", "METERING_NOBODY_KNOWS": ""], file: nil)
        #expect(settings.http.port == 8080)
    }

    @Test(arguments: [
        ("METERING_CHECKPOINT_INTERVAL", "5"),  // no unit
        ("METERING_CHECKPOINT_INTERVAL", "99ms"),
        ("METERING_CHECKPOINT_INTERVAL", "61s"),
        ("METERING_CHECKPOINT_INTERVAL", "1.5s"),
        ("METERING_CHECKPOINT_INTERVAL", "-1s"),
        ("METERING_CHECK_TIMEOUT", "6s"),
        ("HTTP_PORT", "65536"),
        ("HTTP_PORT", "-1"),
        ("HTTP_PORT", "http"),
        ("METERING_DATABASE_CONNECTIONS", "1"),
        ("METERING_MARK_MAX_PER_SECOND", "99999999999999999999"),
        ("METERING_PREPARED_STATEMENTS", "yes"),
        ("LOG_LEVEL", "loud"),
    ])
    func `refuses a value outside what is allowed, naming key, value and range`(
        name: String, value: String
    ) throws {
        let key = try #require(WorkerKeys.all.first { $0.environmentName == name })
        let line = try #require(refusal(of: [name: value]))
        #expect(line.hasPrefix("\(name) is \"\(value)\"; allowed: \(key.kind.allowed)"))
        #expect(line.contains("(default "))
    }

    @Test(arguments: [
        ("METERING_CHECKPOINT_INTERVAL", "100ms"), ("METERING_CHECKPOINT_INTERVAL", "1m"),
        ("HTTP_PORT", "0"), ("HTTP_PORT", "65535"), ("METERING_SHUTDOWN_TIMEOUT", "5m"),
        ("METERING_DATABASE_CONNECTIONS", "64"), ("METERING_PREPARED_STATEMENTS", "never"),
    ])
    func `takes both ends of a range`(name: String, value: String) throws {
        #expect(refusal(of: [name: value]) == nil)
    }

    @Test func `names the nearest key for an unknown variable`() throws {
        let line = try #require(refusal(of: ["METERING_CHEKPOINT_INTERVAL": "1s"]))
        #expect(line.contains("\"METERING_CHEKPOINT_INTERVAL\" is not a setting"))
        #expect(line.contains("the nearest one is METERING_CHECKPOINT_INTERVAL"))
    }

    @Test func `passes over variables of other programs and of the tests`() {
        #expect(
            refusal(of: ["REDIS_PORT": "tcp://10.0.0.1:6379", "METERING_TEST_SEED": "7"]) == nil)
    }

    @Test(arguments: [
        (#"{"http": {"prot": 1}}"#, "\"http.prot\" is not a setting; the nearest one is http.port"),
        (#"{"metering": {"http": {"port": 1}}}"#, "\"metering.http.port\" is not a setting"),
        (#"{"http": {"port": true}}"#, "http.port is \"true\"; allowed: 0 to 65535"),
        (#"{"http": {"port": "80"}}"#, "http.port is \"80\"; allowed: 0 to 65535"),
        (#"{"http": {"port": 80.5}}"#, "http.port is \"null, a list, an object or a fraction\""),
        (#"{"metering": {"check_timeout": 25}}"#, "metering.check_timeout is \"25\""),
        (#"{"http": {"allow_plaintext": 1}}"#, "allowed: true or false"),
        (#"{"database": {"url": 5}}"#, "database.url is not usable"),
        (#"{"http": {"port": {}}}"#, "\"http.port\" is {}, which sets nothing; remove it, or"),
        (#"{"metering": {}, "http": {}}"#, "\"http\" is {}, which sets nothing; remove it, or"),
        (#"{"http.port": 80}"#, #"key with a dot; write {"http": {"port": VALUE}}"#),
        (#"{"a": {"b.c": {}}, "b": {}}"#, #""b.c" is one key with a dot; write {"b": "#),
        (#"{"database.url": "x"}"#, #""database.url" is one key with a dot; write "#),
        (#"["http"]"#, "does not hold an object"),
        (#"{"http": "#, "is not JSON"),
        ("", "is not JSON"),
    ])
    func `refuses a file that it does not understand whole`(text: String, part: String) throws {
        let place = try TemporaryDirectory("settings")
        defer { place.remove() }
        let line = try #require(refusal(of: [:], file: try place.write(text)))
        #expect(line.contains(part))
    }

    @Test func `refuses a file that is missing or far too large`() throws {
        let place = try TemporaryDirectory("settings")
        defer { place.remove() }
        let missing = try #require(refusal(of: [:], file: "\(place.path)/none.json"))
        #expect(missing.contains("cannot be read"))
        let large = try place.write(String(repeating: " ", count: 65_537))
        #expect(try #require(refusal(of: [:], file: large)).contains("larger than 64 KiB"))
    }

    private func refusal(of environment: [String: String], file: String? = nil) -> String? {
        do throws(SettingsError) {
            _ = try WorkerSettings(environment: environment, file: file)
            return nil
        } catch {
            return error.description
        }
    }
}

@Suite(.timed) struct `Secrets in the configuration` {
    private static let canary = "kanarienvogel-7731"

    @Test(arguments: ["secret", "secret\n"])
    func `come from a file without the newline at its end`(text: String) throws {
        let place = try TemporaryDirectory("secret")
        defer { place.remove() }
        let key = WorkerKeys.redisURL
        let settings = try Settings(
            keys: [key], environment: ["REDIS_URL_FILE": try place.write(text)])
        #expect(settings.secret(key) == "secret")
    }

    @Test func `come from a file that the configuration file names, and the environment wins`()
        throws
    {
        let place = try TemporaryDirectory("secret")
        defer { place.remove() }
        let secret = try place.write("from the file", to: "secret")
        let file = try place.write(#"{"database": {"url_file": "\#(secret)"}}"#)
        let key = WorkerKeys.databaseURL
        #expect(
            try Settings(keys: [key], environment: [:], file: file).secret(key) == "from the file")
        let both = try Settings(
            keys: [key], environment: ["DATABASE_URL": "from the environment"], file: file)
        #expect(both.secret(key) == "from the environment")
    }

    @Test func `are refused when they are given twice in one place`() {
        #expect(throws: SettingsError.bothSet("REDIS_URL", "REDIS_URL_FILE")) {
            try WorkerSettings(
                environment: ["REDIS_URL": "redis://a", "REDIS_URL_FILE": "/dev/null"], file: nil)
        }
    }

    @Test(arguments: ["", "\n", "a\0b"])
    func `are refused when their file does not hold text`(text: String) throws {
        let place = try TemporaryDirectory("secret")
        defer { place.remove() }
        let path = try place.write(text)
        #expect(throws: SettingsError.self) {
            try WorkerSettings(environment: ["DATABASE_URL_FILE": path], file: nil)
        }
    }

    @Test func `give a warning when every user can read their file`() throws {
        let place = try TemporaryDirectory("secret")
        defer { place.remove() }
        let path = try place.write(Self.canary)
        for (mode, count) in [(0o600, 0), (0o640, 0), (0o644, 1)] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            let settings = try WorkerSettings(environment: ["REDIS_URL_FILE": path], file: nil)
            #expect(settings.warnings.count == count, "mode \(String(mode, radix: 8))")
            #expect(!settings.warnings.contains { $0.contains(Self.canary) })
        }
    }

    @Test func `appear in no description`() throws {
        let settings = try WorkerSettings(
            environment: [
                "DATABASE_URL": "postgresql://u:\(Self.canary)@h/d",
                "REDIS_URL": "redis://:\(Self.canary)@h",
            ], file: nil)
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped] {
            #expect(!text.contains(Self.canary))
        }
    }
}

extension TemporaryDirectory {
    /// Writes a file that only its owner can read, and returns its path.
    func write(_ text: String, to name: String = "settings.json") throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        return file
    }
}
