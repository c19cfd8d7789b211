import Synchronization

/// The right to keep a processor busy for seconds, which one test of a process has at a time.
///
/// Tasks have no more threads than there are processors. Several tests that only reckon would hold all of them, and
/// tests that wait for an answer of a server run into its deadlines meanwhile.
/// `let turn = await ProcessorTurn.take()`; it ends with the object.
public final class ProcessorTurn: Sendable {
    private struct Line {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private static let line = Mutex(Line())

    private init() {}

    /// Waits until those who came before are done.
    public static func take() async -> ProcessorTurn {
        await withCheckedContinuation { continuation in
            let isFree = line.withLock { line in
                if line.isTaken {
                    line.waiting.append(continuation)
                    return false
                }
                line.isTaken = true
                return true
            }
            if isFree { continuation.resume() }
        }
        return ProcessorTurn()
    }

    deinit {
        let next = Self.line.withLock { line -> CheckedContinuation<Void, Never>? in
            guard !line.waiting.isEmpty else {
                line.isTaken = false
                return nil
            }
            return line.waiting.removeFirst()
        }
        next?.resume()
    }
}
