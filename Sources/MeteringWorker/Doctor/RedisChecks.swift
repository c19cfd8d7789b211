import Redis
import Shell
import Values

// Checks of a Redis, from INFO only: managed servers hide CONFIG.
extension DoctorCheck {
    static func redis(_ info: RedisInfo) -> [DoctorCheck] {
        [
            redisServer(info), redisWrites(info), redisEviction(info), redisMemory(info),
            redisPersistence(info),
        ]
    }

    static func redisServer(_ info: RedisInfo) -> DoctorCheck {
        let version = info.version.map(TerminalText.quoted) ?? "of unknown version"
        guard let major = info.majorVersion, major >= 7 else {
            return .fail(
                "redis", "Redis \(version); counting needs functions",
                remedy: "upgrade to Redis 7.0 or later, or name another server in REDIS_URL")
        }
        guard info.role != "slave" else {
            return .fail(
                "redis", "a replica, which cannot count", remedy: "name the primary in REDIS_URL")
        }
        guard !info.isLoading else {
            return .fail(
                "redis", "Redis \(version) still reads its data from disk", remedy: "wait for it")
        }
        return .ok("redis", "Redis \(version), a primary")
    }

    /// With a failed save, and the usual settings, Redis takes no writes.
    static func redisWrites(_ info: RedisInfo) -> DoctorCheck {
        let failed = ["rdb_last_bgsave_status", "aof_last_write_status"].filter {
            info[$0].map { $0 != "ok" } ?? false
        }
        guard failed.isEmpty else {
            return .fail(
                "redis-disk",
                "Redis could not write to its disk (\(failed.joined(separator: ", ")))",
                remedy:
                    "free space on the disk of Redis and read its log; until then it refuses "
                    + "writes")
        }
        return .ok("redis-disk", "the latest writes to disk went well")
    }

    static func redisEviction(_ info: RedisInfo) -> DoctorCheck {
        guard let policy = info.maxmemoryPolicy else {
            return .warn(
                "redis-eviction", "Redis does not report its maxmemory-policy",
                remedy: "make sure that it is noeviction")
        }
        let remedy = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
        if policy == "noeviction" { return .ok("redis-eviction", "maxmemory-policy noeviction") }
        let shown = TerminalText.quoted(policy)
        return policy.hasPrefix("allkeys-")
            ? .fail(
                "redis-eviction",
                "maxmemory-policy \(shown) evicts counters when memory is full", remedy: remedy
            )
            : .warn(
                "redis-eviction",
                "maxmemory-policy \(shown) may drop keys that expire; counters do not",
                remedy: remedy)
    }

    /// A full Redis that evicts nothing refuses to count.
    static func redisMemory(_ info: RedisInfo) -> DoctorCheck {
        guard let most = info["maxmemory"].flatMap(Int64.init), most > 0,
            let used = info["used_memory"].flatMap(Int64.init), used >= 0
        else { return .ok("redis-memory", "no limit of its own (maxmemory)") }
        let percent = most < 100 ? 100 : used / (most / 100)
        let found = "\(percent) % of maxmemory used"
        guard percent >= 90 else { return .ok("redis-memory", found) }
        return .warn(
            "redis-memory", "\(found); a full Redis refuses to count",
            remedy: "raise maxmemory, or move other data to another Redis")
    }

    static func redisPersistence(_ info: RedisInfo) -> DoctorCheck {
        if info.aofEnabled { return .ok("redis-persistence", "every write goes to a file (AOF)") }
        return .warn(
            "redis-persistence",
            "no append-only file: counts since the last checkpoint are lost when Redis stops",
            remedy: "CONFIG SET appendonly yes, and the same in redis.conf")
    }

    /// Anyone on the network between the two hosts can read the password and change counts.
    static func redisWire(_ configuration: RedisConfiguration) -> DoctorCheck {
        guard configuration.tls == nil else { return .ok("redis-wire", "encrypted (TLS)") }
        guard case .tcp(let host, _) = configuration.address, !isLoopback(host) else {
            return .ok("redis-wire", "in the clear, but it does not leave this host")
        }
        return .warn(
            "redis-wire",
            "in the clear to \(TerminalText.quoted(host)): anyone on the network between can read "
                + "the password",
            remedy: "give Redis a tls-port and write REDIS_URL as rediss:// (docs/transport.md)")
    }

    private static func isLoopback(_ host: String) -> Bool {
        let host = host.lowercased()
        guard host != "localhost", host != "::1" else { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    static func redisUnavailable(_ error: RedisError) -> DoctorCheck {
        let remedy =
            switch error {
            case .configuration:
                "write REDIS_URL as redis://host:6379, rediss://host:6379 or unix:///path"
            case .tls(let problem): problem.advice
            case .tlsFile(let file, _):
                "name a PEM file that this user may read in \(file.setting.environmentName)"
            case .authentication:
                "give the user and the password that Redis knows, as redis://user:password@host"
            case .refused: "let this user run INFO: ACL SETUSER user +info +time"
            default: "check that Redis runs and that REDIS_URL is right"
            }
        return .fail("redis", Console.oneLine("\(error)"), remedy: remedy)
    }

    static let redisNotSet = DoctorCheck.fail(
        "redis", "REDIS_URL is not set", remedy: "set REDIS_URL=redis://host:6379")
}
