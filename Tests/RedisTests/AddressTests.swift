import TestSupport
import Testing

@testable import Redis

@Suite(.timed) struct `Redis address` {
    private struct Wanted {
        var address: RedisConfiguration.Address
        var user: String?
        var password: String?
        var database = 0
    }

    @Test func `the table of what is read`() throws {
        let table: [(String, Wanted)] = [
            ("redis://db", Wanted(address: .tcp(host: "db", port: 6379))),
            ("REDIS://db:7000/", Wanted(address: .tcp(host: "db", port: 7000))),
            (
                "redis://10.0.0.7:1/15",
                Wanted(address: .tcp(host: "10.0.0.7", port: 1), database: 15)
            ),
            ("rediss://db:7000/2", Wanted(address: .tcp(host: "db", port: 7000), database: 2)),
            ("redis://[::1]:6380", Wanted(address: .tcp(host: "::1", port: 6380))),
            (
                "redis://[fe80::1]/3",
                Wanted(address: .tcp(host: "fe80::1", port: 6379), database: 3)
            ),
            (
                "redis://:s3cret@db",
                Wanted(address: .tcp(host: "db", port: 6379), password: "s3cret")
            ),
            (
                "redis://worker:p%40ss%2F%3Aw%C3%B6rd@db/1",
                Wanted(
                    address: .tcp(host: "db", port: 6379), user: "worker",
                    password: "p@ss/:wörd", database: 1)
            ),
            (
                "redis://worker:raw@sign@db",
                Wanted(
                    address: .tcp(host: "db", port: 6379), user: "worker", password: "raw@sign")
            ),
            ("redis://worker@db", Wanted(address: .tcp(host: "db", port: 6379), user: "worker")),
            ("unix:///run/redis.sock", Wanted(address: .unix(path: "/run/redis.sock"))),
            (
                "unix:///tmp/with%20blank/a@b?db=4",
                Wanted(address: .unix(path: "/tmp/with blank/a@b"), database: 4)
            ),
            (
                "unix://worker:pw@/run/r.sock",
                Wanted(address: .unix(path: "/run/r.sock"), user: "worker", password: "pw")
            ),
        ]
        for (url, wanted) in table {
            let read = try RedisConfiguration(url)
            #expect(read.address == wanted.address, "\(url)")
            #expect(read.username == wanted.user, "\(url)")
            #expect(read.password == wanted.password, "\(url)")
            #expect(read.database == wanted.database, "\(url)")
            #expect((read.tls != nil) == url.hasPrefix("rediss:"), "\(url)")
        }
    }

    @Test(arguments: [
        ("rediss://", "host"), ("http://db", "scheme"), ("db:6379", "start with"),
        ("", "start with"), ("redis://", "host"), ("redis://:6379", "host"),
        ("redis://db:", "port"), ("redis://db:0", "port"), ("redis://db:65536", "port"),
        ("redis://db:+80", "port"), ("redis://db:٣", "port"), ("redis://db/x", "database"),
        ("redis://db/-1", "database"), ("redis://db/99999999999999999999", "database"),
        ("redis://db/1/2", "database"), ("redis://::1", "brackets"), ("redis://[::1", "bracket"),
        ("redis://[::1]6379", "IPv6"), ("redis://db?db=1", "%3F"), ("redis://a:b#c@db", "%23"),
        ("redis://a:%zz@db", "password"), ("redis://a:%ff@db", "password"),
        ("redis://a%4:x@db", "user"), ("unix://run/redis.sock", "absolute"),
        ("unix://", "absolute"),
        ("unix:///a?db=x", "database"), ("unix:///a?port=1", "only setting"),
        ("unix:///a?db=1&db=2", "only setting"), ("unix:///a%00b", "zero"),
        ("unix:///" + String(repeating: "a", count: 107), "107"),
    ])
    func `a wrong address is refused by the part that is wrong`(url: String, part: String) {
        #expect {
            _ = try RedisConfiguration(url)
        } throws: { error in
            guard case .configuration(let text)? = error as? RedisError else { return false }
            return text.contains(part)
        }
    }

    @Test func `no description shows the password`() throws {
        for url in ["redis://worker:hunter2@db:6379/1", "unix://worker:hunter2@/run/r.sock"] {
            let configuration = try RedisConfiguration(url)
            var dumped = ""
            dump(configuration, to: &dumped)
            for text in ["\(configuration)", String(reflecting: configuration), dumped] {
                #expect(!text.contains("hunter2"))
                #expect(text.contains("worker"))
            }
        }
        for url in ["redis://u:hunter2@:1", "redis://u:hunter2%@db", "redis://u:hunter2#@db"] {
            #expect { _ = try RedisConfiguration(url) } throws: { !"\($0)".contains("hunter2") }
        }
    }

    @Test func `a description can be read again`() throws {
        for url in [
            "redis://worker@[::1]:6380/2", "rediss://worker@db:6380/2",
            "unix:///run/redis.sock?db=3",
        ] {
            let configuration = try RedisConfiguration(url)
            #expect(configuration.description == url)
            #expect(try RedisConfiguration(configuration.description) == configuration)
        }
    }
}
