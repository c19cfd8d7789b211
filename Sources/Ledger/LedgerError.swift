public import Metering
public import Postgres

/// Why the ledger failed. Descriptions are safe for logs.
public enum LedgerError: Error, Hashable, CustomStringConvertible {
    /// PostgreSQL did not reply, or refused.
    case store(PostgresError)
    /// The login could bypass the isolation of clinics.
    case unsafeRole(login: String, UnsafeRole)
    /// The login lacks the rights of the worker.
    case missingGrant(login: String)
    /// The database is at another version than this program: found, needed.
    case schema(found: Int64, needed: Int64)
    /// The database was made by other files than this program's: the name of its first.
    case otherSchema(String)
    /// A run of `migrate` to this program's version was interrupted: what comes next.
    case unfinishedSchema(String)
    /// No clinic has this id or subdomain.
    case unknownClinic(String)
    /// No plan has this name.
    case unknownPlan(String)
    /// Several plans have this name.
    case ambiguousPlan(String)
    /// The database holds something that no version of this program writes.
    case corrupt(String)
    /// A number or a text that the caller gave is out of range.
    case outOfRange(String)
    /// The clinic is known and has no subscription.
    case noSubscription(ClinicID)
    /// A function of the database refused it; the text holds no values.
    case refused(String)
    /// As many keys are usable as a worker holds in memory.
    case tooManyKeys(max: Int)

    public enum UnsafeRole: Sendable, Hashable {
        case superuser, bypassesRowSecurity, owner
        /// Up to PostgreSQL 15 it could make itself a member of any role but a superuser.
        case createsRoles
        /// Owns this relation.
        case owns(String)
    }

    public enum Remedy: Sendable { case fixSettings, migrate, fixRequest, retry, page }

    /// What a caller may do about it.
    public var remedy: Remedy {
        switch self {
        case .store(let error):
            switch error.remedy {
            case .fixSettings: .fixSettings
            case .retry, .findOut: .retry
            case .fixData, .fixProgram: .page
            }
        case .unsafeRole, .missingGrant, .otherSchema: .fixSettings
        case .schema, .unfinishedSchema: .migrate
        case .unknownClinic, .unknownPlan, .ambiguousPlan, .noSubscription, .outOfRange, .refused,
            .tooManyKeys:
            .fixRequest
        case .corrupt: .page
        }
    }

    public var description: String {
        switch self {
        case .store(let error): "\(error)"
        case .unsafeRole(let login, let role):
            "\(login) \(role); use a separate login: \(Self.howTo)"
        case .missingGrant(let login):
            "\(login) is not a member of metering_worker: GRANT metering_worker TO \(login)"
        case .schema(let found, let needed) where found > needed:
            "the database is at version \(found), this program needs \(needed): "
                + "use the newer program"
        case .schema(let found, let needed):
            "the database is at version \(found), this program needs \(needed): "
                + "run metering-worker migrate"
        case .otherSchema(let file): "\(MigrationError.otherSchema(file))"
        case .unfinishedSchema(let next):
            "migrate did not finish (\(next) is next): run metering-worker migrate"
        case .unknownClinic(let name):
            "no clinic has the id or subdomain \(name.debugDescription): see billing clinics list"
        case .unknownPlan(let name):
            "no plan has the name \(name.debugDescription): see billing plans list"
        case .ambiguousPlan(let name):
            "several plans have the name \(name.debugDescription): rename all but one"
        case .corrupt(let what): "the database holds \(what)"
        case .outOfRange(let what): what
        case .noSubscription(let clinic):
            "clinic \(clinic) has no subscription: start one with billing subscribe"
        case .refused(let what): what
        case .tooManyKeys(let max):
            "\(max) keys are already usable: revoke one, or let some expire"
        }
    }

    private static let howTo = "CREATE ROLE … LOGIN, then GRANT metering_worker TO it"
}

extension LedgerError.UnsafeRole: CustomStringConvertible {
    public var description: String {
        switch self {
        case .superuser: "is, or may become, a superuser"
        case .bypassesRowSecurity: "is, or may become, a role with BYPASSRLS"
        case .createsRoles: "has, or may take on, CREATEROLE, so it could become the owner"
        case .owner: "is a member of metering_owner, or owns the database"
        case .owns(let relation): "owns \(relation)"
        }
    }
}
