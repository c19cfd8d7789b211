import Metering
import Postgres

// Reads for `metering-worker doctor`. They change nothing and lock nothing.
extension OperationsLedger {
    /// Asks several times over one session which server process serves it.
    public func session() async throws(LedgerError) -> SessionFacts {
        try await stored {
            try await pool.withConnection { connection in
                var seen: [Int64] = []
                for _ in 0..<3 {
                    guard let row = try await connection.query(SQL.sessionProcess).first else {
                        throw LedgerError.corrupt("no process")
                    }
                    seen.append(try row.int64("pid"))
                }
                return SessionFacts(
                    serverVersion: connection.serverVersion,
                    promised: Int64(connection.backendPID), seen: seen)
            }
        }
    }

    /// The four roles of metering.
    public func roles() async throws(LedgerError) -> [RoleFacts] {
        try await stored {
            try await pool.query(SQL.roleMembers).map { row in
                RoleFacts(
                    name: try row.text("name"), isThere: try row.bool("is_there"),
                    logins: try row.textArray("logins"))
            }
        }
    }

    /// Tables that hold rows of clinics and have row security off.
    public func openTables() async throws(LedgerError) -> [OpenTable] {
        try await stored {
            try await pool.query(SQL.rowSecurityOff).map { row in
                OpenTable(
                    name: try row.text("relation"), isOurs: try row.bool("is_ours"),
                    hasPolicy: try row.bool("has_policy"))
            }
        }
    }

    /// Logins that row security hides every row from now.
    public func blindLogins() async throws(LedgerError) -> [Migrator.BlindLogin] {
        try await stored {
            try await pool.query(SQL.rowSecurityBlind).map { row in
                Migrator.BlindLogin(
                    login: try row.text("login"), tables: try row.text("tables"))
            }
        }
    }

    public func installation() async throws(LedgerError) -> Installation {
        try await stored {
            guard let row = try await pool.query(SQL.installation).first else {
                throw LedgerError.corrupt("no kind of installation")
            }
            return Installation(
                kind: try row.text("kind"), since: try row.time("metering_since"),
                countsInInt: try row.bool("counts_in_int"))
        }
    }

    /// What is open in the list of attention, by kind, without refused plans.
    public func openAttention() async throws(LedgerError) -> [OpenAttention] {
        try await stored {
            try await pool.query(SQL.attentionKinds).map { row in
                OpenAttention(
                    kind: try row.text("kind"), count: try row.int64("found"),
                    clinic: try row.optionalUUID("clinic_id") == nil
                        ? nil : try row.clinic("clinic_id"),
                    subject: try row.text("subject"), detail: try row.text("detail"))
            }
        }
    }

    /// Messages that have been open for `seconds`, and the age of the oldest.
    public func oldMessages(seconds: Int64) async throws(LedgerError) -> Backlog {
        try await stored {
            let row = try await pool.query(SQL.outboxWaiting, [.int64(seconds)]).first
            return Backlog(
                count: try row?.int64("messages") ?? 0, age: try row?.int64("oldest"))
        }
    }

    /// Checkpoints that the ledger refused, and the age of the latest.
    public func quarantined() async throws(LedgerError) -> Backlog {
        try await stored {
            let row = try await pool.query(SQL.quarantineSize).first
            return Backlog(
                count: try row?.int64("refused") ?? 0, age: try row?.optionalInt64("age"))
        }
    }

    /// Buckets of months that wait for their roll-up, and the age of the latest roll-up of any.
    public func waitingRollups() async throws(LedgerError) -> Backlog {
        try await stored {
            let row = try await pool.query(SQL.rollupWaiting).first
            return Backlog(
                count: try row?.int64("waiting") ?? 0, age: try row?.optionalInt64("age"))
        }
    }

    /// The latest runs of these jobs, in their order.
    public func latestRuns(of jobs: [String]) async throws(LedgerError) -> [JobFacts] {
        try await stored {
            try await pool.query(SQL.jobLatest, [.textArray(jobs)]).map { row in
                JobFacts(
                    name: try row.text("name"), age: try row.optionalInt64("age"),
                    isGood: try row.optionalBool("is_good"))
            }
        }
    }

    /// - Parameter seconds: A worker whose heartbeat is younger is alive.
    public func workerSigns(within seconds: Int64) async throws(LedgerError) -> WorkerFacts {
        try await stored {
            let row = try await pool.query(SQL.workerSigns, [.int64(seconds)]).first
            return WorkerFacts(
                alive: try row?.int64("alive") ?? 0, silent: try row?.int64("silent") ?? 0,
                latest: try row?.optionalInt64("latest"))
        }
    }

    /// What the metrics say of PostgreSQL, in one statement.
    public func figures() async throws(LedgerError) -> [StoredFigure] {
        try await stored {
            try await pool.query(SQL.figures).map { row in
                StoredFigure(
                    name: try row.text("name"), label: try row.text("label"),
                    value: try row.int64("value"))
            }
        }
    }
}
