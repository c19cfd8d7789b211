import Counters
import Ledger
import Logging
import Metering
import Quotas

/// Asks PostgreSQL every second what changed: clinics whose configuration rose, and API keys.
final actor ChangeWatch {
    private let counters: RedisCounterStore
    private let ledger: Ledger
    private let gate: QuotaGate
    private let keys: KeyRing
    private let logger: Logger
    private var cursor: ConfigCursor

    init(
        counters: RedisCounterStore, ledger: Ledger, gate: QuotaGate, keys: KeyRing, logger: Logger
    ) async throws {
        self.logger = logger
        self.counters = counters
        self.ledger = ledger
        self.gate = gate
        self.keys = keys
        cursor = try await ledger.configCursor()
    }

    func run() async throws {
        while try await takeChanges() {}
        try await renewKeys()
    }

    func renewKeys() async throws {
        let used = keys.takeUsed()
        if !used.isEmpty { try await ledger.noteUse(ofKeys: used) }
        let usable = try await ledger.usableKeys()
        keys.replace(
            with: Dictionary(
                usable.map { ($0.hash, KeyHolder($0.key)) }, uniquingKeysWith: { $1 }))
        if !usable.isComplete {
            logger.warning("there are more usable API keys than are held; revoke some of them")
        }
    }

    /// A clinic that cannot be renewed must not hold up the others: its counter keeps what it has, and
    /// the sweep tries again. When a store is away the page is read again.
    private func refresh(_ clinic: ClinicID, epoch: Epoch) async throws {
        do throws(QuotaError) {
            try await gate.refresh(clinic, at: counters.now(), epoch: epoch)
        } catch {
            if error.isStoreAway { throw error }
            logger.error(
                "a clinic keeps its old settings",
                metadata: ["clinic": "\(clinic)", "error": "\(error)"])
        }
    }

    /// One page of changes; whether more wait.
    private func takeChanges() async throws -> Bool {
        let changes = try await ledger.changedClinics(since: cursor)
        for change in changes.clinics { gate.expect(version: change.version, of: change.clinic) }
        let versions = Dictionary(
            changes.clinics.map { ($0.clinic, $0.version) }, uniquingKeysWith: max)
        for (clinic, value) in try await counters.values(of: Array(versions.keys)) {
            // A clinic that Redis does not hold gets its settings with its first call.
            guard let value, let version = versions[clinic], value.version < version else {
                continue
            }
            try await refresh(clinic, epoch: value.epoch)
        }
        cursor = changes.cursor
        return !changes.isComplete
    }
}

extension KeyHolder {
    init(_ key: StoredKey) {
        self.init(
            id: key.id, name: key.name,
            scopes: Set(key.scopes.compactMap { KeyHolder.Scope(rawValue: $0.rawValue) }),
            clinics: key.clinics.isEmpty ? nil : key.clinics, expiresAt: key.expiresAt)
    }
}
