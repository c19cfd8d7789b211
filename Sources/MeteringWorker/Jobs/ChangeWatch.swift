import Admission
import Counters
import Ledger
import Logging
import Metering
import Quotas

/// Brings changes in PostgreSQL to where checks read them: clinics' terms to Redis, and API keys to
/// memory.
///
/// `poll` finds every change within a second, with or without a notification. `renew` and `run` are
/// for the listener, which receives notifications; the next poll finds its work done.
final actor ChangeWatch {
    private let counters: RedisCounterStore
    private let ledger: Ledger
    private let gate: QuotaGate
    private let keys: KeyRing
    private let metrics: WorkerMetrics
    private let logger: Logger
    private var cursor: TermsCursor
    /// How far this worker has read changes while Redis cannot take them.
    private var learnt: TermsCursor
    /// Units that the ledger has from this worker's journal, and that the gate has not read from
    /// it yet.
    private var delivered: [ClinicID: [Month: Int64]] = [:]
    /// Clinics whose counter in Redis lacks such units.
    private var outdated: Set<ClinicID> = []
    private var isReading = false
    private var wantsAnotherPass = false
    /// The problems of refused plans that are in the log, by plan.
    private var refused: [String: String] = [:]

    /// How many clinics are renewed at the same time.
    private static let atOnce = 32

    init(
        counters: RedisCounterStore, ledger: Ledger, gate: QuotaGate, keys: KeyRing,
        metrics: WorkerMetrics = WorkerMetrics(), logger: Logger
    ) async throws {
        self.metrics = metrics
        self.logger = logger
        self.counters = counters
        self.ledger = ledger
        self.gate = gate
        self.keys = keys
        cursor = try await ledger.clinics.cursor()
        learnt = cursor
    }

    /// First the work that needs PostgreSQL only: a revoked key must end during an outage of Redis
    /// too.
    func poll() async throws {
        try await renewKeys()
        try await ledger.plans.endOverdueOverrides()
        try await reportRefusedPlans()
        try await run()
    }

    /// Applies all changes since the last pass. One pass runs at a time; a call that arrives
    /// meanwhile makes it run again.
    func run() async throws {
        guard !isReading else { return wantsAnotherPass = true }
        isReading = true
        defer { isReading = false }
        repeat {
            wantsAnotherPass = false
            do {
                while try await takeChanges() {}
                learnt = cursor
            } catch {
                while try await learnChanges() {}
                throw error
            }
        } while wantsAnotherPass
    }

    /// The ledger has these rows of the journal. The gate learns them from the ledger first, then
    /// the counters in Redis do. Beyond `outdatedMax` clinics the sweep brings them to Redis.
    func take(_ rows: [UsageAdjustment]) {
        for row in rows {
            delivered[row.clinic, default: [:]][row.month, default: 0] += row.units
        }
    }

    func renewDelivered() async throws {
        let batch = delivered.prefix(Self.batchMax)
        if !batch.isEmpty {
            let found = try await ready(batch.map(\.key))
            for (clinic, units) in batch {
                delivered[clinic] = nil
                guard let settings = found[clinic] else { continue }
                gate.learn(settings, of: clinic, including: units)
                if outdated.count < Self.outdatedMax { outdated.insert(clinic) }
            }
        }
        let clinics = Set(outdated.prefix(Self.batchMax))
        guard !clinics.isEmpty else { return }
        try await renew(clinics)
        outdated.subtract(clinics)
    }

    private static let batchMax = 1_000
    private static let outdatedMax = 100_000

    /// Writes these clinics to Redis, also those that it does not hold: they were just created or
    /// changed.
    func renew(_ clinics: Set<ClinicID>) async throws {
        let values = try await counters.values(of: Array(clinics))
        try await refresh(values.map { ($0.clinic, $0.value?.epoch ?? .none) })
    }

    func renewKeys() async throws {
        let used = keys.takeUsed()
        if !used.isEmpty { try await ledger.keys.noteUse(of: used) }
        let usable = try await ledger.keys.usable()
        keys.replace(
            with: Dictionary(
                usable.map { ($0.hash, KeyOwner($0.key)) }, uniquingKeysWith: { $1 }))
        metrics.noteKeysRenewed()
        if !usable.isComplete {
            logger.warning("there are more usable API keys than a worker keeps; revoke some")
        }
    }

    /// Logs each refused plan once, whichever program refused it.
    private func reportRefusedPlans() async throws {
        let found = Dictionary(
            try await ledger.plans.refused().map { ($0.plan, $0.problem) }, uniquingKeysWith: { $1 }
        )
        for (plan, problem) in found where refused[plan] != problem {
            logger.error(
                "a plan cannot be used as it is now, and its last good version stays in force",
                metadata: ["plan": "\(plan)", "problem": "\(problem)"])
        }
        refused = found
    }

    /// A clinic that cannot be renewed must not delay the others: its counter keeps what it has,
    /// and the sweep tries again. While a store is unreachable this throws, and the batch is read
    /// again.
    private func refresh(
        _ clinic: ClinicID, at now: Int64, epoch: Epoch, known: ClinicTerms?
    ) async throws {
        do throws(QuotaError) {
            try await gate.refresh(clinic, at: now, epoch: epoch, known: known)
        } catch {
            if error.isStoreUnavailable { throw error }
            metrics.raise(.settingsFailures)
            logger.error(
                "a clinic keeps its old terms",
                metadata: ["clinic": "\(clinic)", "error": "\(error)"])
        }
    }

    /// - Parameter clinics: Each with the epoch that Redis counts, at most 10,000.
    private func refresh(_ clinics: [(ClinicID, Epoch)]) async throws {
        guard !clinics.isEmpty else { return }
        let now = try await counters.now()
        let known = try await ledger.clinics.readyTerms(of: clinics.map(\.0), at: now)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, (clinic, epoch)) in clinics.enumerated() {
                if place >= Self.atOnce { try await group.next() }
                group.addTask {
                    try await self.refresh(clinic, at: now, epoch: epoch, known: known[clinic])
                }
            }
            try await group.waitForAll()
        }
    }

    /// What PostgreSQL has about them, by the last known clock of Redis.
    private func ready(_ clinics: [ClinicID]) async throws -> [ClinicID: ClinicTerms] {
        guard !clinics.isEmpty, let now = gate.storeTime else { return [:] }
        return try await ledger.clinics.readyTerms(of: clinics, at: now)
    }

    /// Learns one batch of changes for decisions without Redis; returns whether there are more.
    private func learnChanges() async throws -> Bool {
        let changes = try await ledger.clinics.changes(since: learnt)
        let known = try await ready(Array(Set(changes.clinics.map(\.clinic))))
        for (clinic, settings) in known { gate.learn(settings, of: clinic) }
        learnt = changes.cursor
        return !changes.isComplete
    }

    /// Brings one batch of changes to Redis; returns whether there are more.
    private func takeChanges() async throws -> Bool {
        let changes = try await ledger.clinics.changes(since: cursor)
        for change in changes.clinics { gate.expect(version: change.version, of: change.clinic) }
        let versions = Dictionary(
            changes.clinics.map { ($0.clinic, $0.version) }, uniquingKeysWith: max)
        let behind = try await counters.values(of: Array(versions.keys)).compactMap { found in
            // A clinic that Redis does not hold gets its terms with its first call.
            guard let value = found.value, let version = versions[found.clinic],
                value.version < version
            else { return nil as (ClinicID, Epoch)? }
            return (found.clinic, value.epoch)
        }
        try await refresh(behind)
        cursor = changes.cursor
        return !changes.isComplete
    }
}

extension KeyOwner {
    init(_ key: StoredKey) {
        self.init(
            id: key.id, name: key.name,
            scopes: Set(key.scopes.compactMap { KeyOwner.Scope(rawValue: $0.rawValue) }),
            clinics: key.clinics.isEmpty ? nil : key.clinics, expiresAt: key.expiresAt)
    }
}
