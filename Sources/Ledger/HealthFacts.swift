public import Metering

// What `Ledger` reads about a database for somebody who asks whether all is well. Ages are seconds by the
// clock of the database.

/// A session, and which processes of the server worked for it.
public struct SessionFacts: Hashable, Sendable {
    /// 150020 is 15.20.
    public let serverVersion: Int
    /// The process that the server promised when the session began.
    public let promised: Int64
    /// Those that ran statements outside transactions, one after the other.
    public let seen: [Int64]

    public init(serverVersion: Int, promised: Int64, seen: [Int64]) {
        (self.serverVersion, self.promised, self.seen) = (serverVersion, promised, seen)
    }
}

/// One of the roles of metering.
public struct RoleFacts: Hashable, Sendable {
    public let name: String
    public let isThere: Bool
    /// Logins that have its rights, five at most.
    public let logins: [String]

    public init(name: String, isThere: Bool, logins: [String]) {
        (self.name, self.isThere, self.logins) = (name, isThere, logins)
    }
}

/// A table without row security.
public struct OpenTable: Hashable, Sendable {
    public let name: String
    /// Of schema metering, not the application's.
    public let isOurs: Bool
    /// Whether row security can be switched on.
    public let hasPolicy: Bool

    public init(name: String, isOurs: Bool, hasPolicy: Bool) {
        (self.name, self.isOurs, self.hasPolicy) = (name, isOurs, hasPolicy)
    }
}

/// How a database came to be metered.
public struct Installation: Hashable, Sendable {
    /// `new` or `attached`.
    public let kind: String
    public let since: UTCTime
    /// Whether `api_usage.api_calls` still is INT, which ends at 2,147,483,647.
    public let countsInInt: Bool

    public init(kind: String, since: UTCTime, countsInInt: Bool) {
        (self.kind, self.since, self.countsInInt) = (kind, since, countsInInt)
    }
}

/// What is open of one kind in the list of attention.
public struct OpenAttention: Hashable, Sendable {
    public let kind: String
    public let count: Int64
    /// Of the latest; nil when it is about no single clinic.
    public let clinic: ClinicID?
    public let subject: String
    public let detail: String

    public init(kind: String, count: Int64, clinic: ClinicID?, subject: String, detail: String) {
        (self.kind, self.count, self.clinic) = (kind, count, clinic)
        (self.subject, self.detail) = (subject, detail)
    }
}

/// How many, and how old.
public struct Backlog: Hashable, Sendable {
    public let count: Int64
    /// nil when there is no time to go by.
    public let age: Int64?

    public init(count: Int64, age: Int64?) { (self.count, self.age) = (count, age) }
}

public struct JobFacts: Hashable, Sendable {
    public let name: String
    /// Since the start of the latest good run; nil when none was good.
    public let age: Int64?
    /// Whether the latest run was good; nil when there was none.
    public let isGood: Bool?

    public init(name: String, age: Int64?, isGood: Bool?) {
        (self.name, self.age, self.isGood) = (name, age, isGood)
    }
}

public struct WorkerFacts: Hashable, Sendable {
    public let alive: Int64
    /// Those that fell silent and did not end in order; forgotten after 24 hours.
    public let silent: Int64
    /// Since the latest sign of any.
    public let latest: Int64?

    public init(alive: Int64, silent: Int64, latest: Int64?) {
        (self.alive, self.silent, self.latest) = (alive, silent, latest)
    }
}
