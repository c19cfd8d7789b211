/// Admits at most `most` events in any second. Times are µs of a clock that never goes back.
struct SecondWindow: Hashable, Sendable {
    let most: Int
    private var admitted: [Int64] = []

    init(most: Int) { self.most = max(1, most) }

    mutating func admits(at now: Int64) -> Bool {
        admitted.removeAll { $0 <= now - 1_000_000 }
        guard admitted.count < most else { return false }
        admitted.append(now)
        return true
    }

    /// Takes the latest admission back: the event turned out not to be one that is limited.
    mutating func giveBack() { _ = admitted.popLast() }
}
