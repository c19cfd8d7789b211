/// Every metric of the worker: the one place that says its name, kind, labels and meaning.
///
/// No label names a clinic: there may be a million of them, and readers of metrics need not know
/// them.
enum MetricName: String, CaseIterable, Sendable {
    case checks = "metering_checks_total"
    case checkDuration = "metering_check_duration_seconds"
    case wouldDeny = "metering_checks_would_deny_total"
    case degraded = "metering_checks_degraded_total"
    case ambiguous = "metering_checks_ambiguous_total"
    case journalRecords = "metering_journal_records_total"
    case journalWaiting = "metering_journal_waiting_records"
    case openMarks = "metering_open_marks"
    case newEpochs = "metering_epochs_seen_total"

    case redisDuration = "metering_redis_duration_seconds"
    case redisServing = "metering_redis_serving"
    case redisConnections = "metering_redis_connections"
    case redisConnects = "metering_redis_connects_total"
    case redisCommands = "metering_redis_commands_total"
    case redisFlushes = "metering_redis_flushes_total"
    case redisPending = "metering_redis_pending_commands"
    case redisStamps = "metering_redis_stamps"

    case postgresDuration = "metering_postgres_duration_seconds"
    case postgresFailures = "metering_postgres_failures_total"
    case postgresConnections = "metering_postgres_connections"
    case postgresWaiters = "metering_postgres_waiters"

    case jobRuns = "metering_job_runs_total"
    case jobAge = "metering_job_age_seconds"
    case settingsFailures = "metering_settings_failures_total"
    case countersWrong = "metering_counters_wrong_total"
    case standingMoves = "metering_standing_moves_total"
    case keysAge = "metering_api_keys_age_seconds"

    case reportAge = "metering_report_age_seconds"
    case rollupAge = "metering_rollup_age_seconds"
    case rollupWaiting = "metering_rollup_waiting_parts"
    case quarantined = "metering_quarantined_counts"
    case outboxOpen = "metering_outbox_open_messages"
    case outboxAge = "metering_outbox_age_seconds"
    case attention = "metering_attention_open"
    case workers = "metering_workers"

    case ready = "metering_ready"
    case buildInfo = "metering_build_info"
    case loopLag = "metering_event_loop_lag_seconds"
    case processCPU = "process_cpu_seconds_total"
    case processResident = "process_resident_memory_bytes"
    case processVirtual = "process_virtual_memory_bytes"
    case processFiles = "process_open_fds"
    case processFilesMax = "process_max_fds"
    case processThreads = "process_threads"
    case processStart = "process_start_time_seconds"

    enum Kind: String, Sendable { case counter, gauge, histogram }

    /// Values of metrics in seconds are kept as whole nanoseconds.
    var isInSeconds: Bool { rawValue.contains("_seconds") }
    var kind: Kind { meaning.kind }
    /// Names of the labels, in the order in which they are written.
    var labels: [String] { meaning.labels }
    var help: String { meaning.help }

    private struct Meaning {
        let kind: Kind
        let help: String
        let labels: [String]
    }

    private static func counter(_ help: String, _ labels: [String] = []) -> Meaning {
        Meaning(kind: .counter, help: help, labels: labels)
    }
    private static func gauge(_ help: String, _ labels: [String] = []) -> Meaning {
        Meaning(kind: .gauge, help: help, labels: labels)
    }
    private static func histogram(_ help: String, _ labels: [String] = []) -> Meaning {
        Meaning(kind: .histogram, help: help, labels: labels)
    }

    private var meaning: Meaning {
        switch self {
        case .checks:
            Self.counter(
                "Checks that ended, by mode, verdict and reason.", ["mode", "verdict", "reason"])
        case .checkDuration: Self.histogram("Time of a check, from the request to its answer.")
        case .wouldDeny:
            Self.counter("Checks allowed only because the limit that denies is in shadow mode.")
        case .degraded:
            Self.counter("Checks answered without Redis, by verdict.", ["verdict"])
        case .ambiguous:
            Self.counter("Checks without an answer that Redis may have counted.")
        case .journalRecords:
            Self.counter("Records of calls written to the journal during an outage of Redis.")
        case .journalWaiting:
            Self.gauge("Records of the journal that are not in PostgreSQL yet.")
        case .openMarks:
            Self.gauge(
                "Clinics with counts that only Redis and this worker know: the next checkpoint's.")
        case .newEpochs:
            Self.counter(
                "Counts that started again in another epoch: Redis lost or changed what it held.")
        case .redisDuration:
            Self.histogram("Time from a command to the reply of Redis, late replies included.")
        case .redisServing: Self.gauge("1 when Redis is connected and takes writes, else 0.")
        case .redisConnections:
            Self.gauge("Connections to Redis that are wanted, and that are up.", ["state"])
        case .redisConnects: Self.counter("Connections to Redis that were made.")
        case .redisCommands: Self.counter("Commands sent to Redis.")
        case .redisFlushes:
            Self.counter("Writes to Redis; fewer than commands, because commands share writes.")
        case .redisPending: Self.gauge("Commands to Redis that wait or are unanswered.")
        case .redisStamps:
            Self.gauge(
                "Stamps of Redis nodes that PostgreSQL recorded: one more after each restart or "
                    + "failover."
            )
        case .postgresDuration:
            Self.histogram("Time of a statement in PostgreSQL, by kind of work.", ["work"])
        case .postgresFailures:
            Self.counter("Statements that failed in PostgreSQL, by kind of work.", ["work"])
        case .postgresConnections: Self.gauge("Connections to PostgreSQL that are open.")
        case .postgresWaiters: Self.gauge("Callers that wait for a connection to PostgreSQL.")
        case .jobRuns: Self.counter("Runs of recurring work, by result.", ["job", "result"])
        case .jobAge:
            Self.gauge("Time since recurring work last succeeded, or since the start.", ["job"])
        case .settingsFailures:
            Self.counter("Clinics whose changed terms could not be written to Redis at once.")
        case .countersWrong:
            Self.counter("Counters that a recount found wrong and corrected.", ["counter"])
        case .standingMoves: Self.counter("Standings that moved or got a notice.")
        case .keysAge: Self.gauge("Time since the API keys in memory were last renewed.")
        case .reportAge:
            Self.gauge(
                "Age of this month's numbers in api_usage: what was counted before is in them.")
        case .rollupAge: Self.gauge("Time since any part of a month was rolled up.")
        case .rollupWaiting: Self.gauge("Parts of months that wait for their roll-up.")
        case .quarantined: Self.gauge("Counts that the ledger refused and an operator must review.")
        case .outboxOpen: Self.gauge("Messages in the outbox that are not done yet.")
        case .outboxAge: Self.gauge("Age of the oldest open message; 0 when there is none.")
        case .attention: Self.gauge("Open rows of metering.attention, by kind.", ["kind"])
        case .workers: Self.gauge("Workers by their heartbeat in the last 30 s.", ["state"])
        case .ready: Self.gauge("1 while /readyz answers that the worker is ready, else 0.")
        case .buildInfo: Self.gauge("1, with the version as label.", ["version"])
        case .loopLag: Self.histogram("How late an event loop runs what is due.")
        case .processCPU: Self.counter("User and system CPU time.")
        case .processResident: Self.gauge("Resident memory.")
        case .processVirtual: Self.gauge("Virtual memory.")
        case .processFiles: Self.gauge("Open file descriptors.")
        case .processFilesMax: Self.gauge("Most file descriptors that may be open.")
        case .processThreads: Self.gauge("Threads.")
        case .processStart: Self.gauge("Start of the process, since 1970.")
        }
    }
}
