/// Decides whether calls go to a store at all: a store that fails is left alone, and probed beside
/// the calls.
///
/// Five failures in a row open the breaker, and so do ten among the last twenty answers. While it
/// is open, no call waits for the store; a probe follows after 100 ms, and after each failed probe
/// twice as long later, at most 1 s. Two good probes in a row close it. Each time that it opens
/// within 10 s of closing, it needs twice as many, 100 ms apart, at most 16: a store that comes and
/// goes is left alone. Times are µs of any clock that never goes back.
public struct Breaker: Hashable, Sendable {
    private enum State: Hashable, Sendable {
        case closed
        case open(probeAt: Int64)
        case probing
    }

    public static let failuresInARow = 5
    public static let failuresOfTwenty = 10
    public static let goodProbes = 2
    public static let goodProbesMax = 16
    public static let calm: Int64 = 10_000_000
    public static let restMin: Int64 = 100_000
    public static let restMax: Int64 = 1_000_000
    private static let window = 20

    private var state = State.closed
    private var inARow = 0
    /// One bit for each of the last twenty answers, the latest lowest; 1 = failed.
    private var history: UInt32 = 0
    private var answers = 0
    private var good = 0
    private var goodNeeded = Self.goodProbes
    private var closedAt: Int64?
    private var rest = Self.restMin

    public init() {}

    /// Whether calls are kept from the store.
    public var isOpen: Bool { state != .closed }

    /// When the next probe is due; nil while there is nothing to probe, or while one runs.
    public var probeAt: Int64? {
        guard case .open(let time) = state else { return nil }
        return time
    }

    /// A call was answered.
    public mutating func succeeded() {
        inARow = 0
        note(failed: false)
    }

    /// A call was not answered; returns whether this opened the breaker.
    public mutating func failed(at now: Int64) -> Bool {
        guard !isOpen else { return false }
        inARow += 1
        note(failed: true)
        let isShareHigh =
            answers == Self.window && history.nonzeroBitCount >= Self.failuresOfTwenty
        guard inARow >= Self.failuresInARow || isShareHigh else { return false }
        (good, rest) = (0, Self.restMin)
        let isSoon = closedAt.map { now - $0 < Self.calm } ?? false
        goodNeeded = isSoon ? min(goodNeeded * 2, Self.goodProbesMax) : Self.goodProbes
        state = .open(probeAt: now + rest)
        return true
    }

    /// Takes the probe that is due; false when none is.
    public mutating func takeProbe(at now: Int64) -> Bool {
        guard let due = probeAt, due <= now else { return false }
        state = .probing
        return true
    }

    /// The probe that was taken came back; returns whether this closed the breaker.
    public mutating func probed(isGood: Bool, at now: Int64) -> Bool {
        guard state == .probing else { return false }
        guard isGood else {
            good = 0
            rest = min(rest * 2, Self.restMax)
            state = .open(probeAt: now + rest)
            return false
        }
        good += 1
        guard good >= goodNeeded else {
            state = .open(probeAt: goodNeeded > Self.goodProbes ? now + Self.restMin : now)
            return false
        }
        let needed = goodNeeded
        self = Breaker()
        (goodNeeded, closedAt) = (needed, now)
        return true
    }

    private mutating func note(failed: Bool) {
        history = (history << 1 | (failed ? 1 : 0)) & (1 << UInt32(Self.window) - 1)
        answers = min(answers + 1, Self.window)
    }
}
