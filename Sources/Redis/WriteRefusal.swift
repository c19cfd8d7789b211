/// An error that means: this server accepts no writes now; keep the connection.
///
/// A server that cannot persist, or lacks replicas, still answers reads, so a good reply to any
/// other command says nothing. One that loads or runs a long script refuses everything.
struct WriteRefusal {
    /// A write that touches no key: the server judges a script that does not call itself free of
    /// writes as it judges every write. `allow-oom`, because a full server is for the caller to
    /// bear.
    static let question = RedisCommand("EVAL", ["#!lua flags=allow-oom\nreturn 1", 0])

    let error: RedisServerError
    /// The name of the refused command.
    let command: String

    /// Whether a good reply to `other` shows that writes are taken again.
    func ends(withReplyTo other: Call) -> Bool {
        error.refusesEverything || other.commandName == command || other.isQuestion
    }
}

extension RedisServerError {
    /// A replica answers: the primary is elsewhere, perhaps at the same address. A replica that
    /// lost its primary says MASTERDOWN where it may not show old data.
    var isFromReplica: Bool { isReadOnly || code == "MASTERDOWN" }

    /// The server is the right one and takes no writes for a while.
    var refusesWrites: Bool { isMisconfigured || isNoReplicas || refusesEverything }

    fileprivate var refusesEverything: Bool { isLoading || isBusy }
}
