import Quotas

/// What came of sending a check to the counter store.
enum Received: Sendable {
    case reply(CounterReply)
    /// The store gave no reply. This is the answer of the fallback, or why there is none.
    case decided(QuotaGate.Answer)
}
