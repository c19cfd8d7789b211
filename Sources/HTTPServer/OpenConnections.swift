import NIOCore
import Synchronization

/// The connections that are open or still have a request in progress, so that a shutdown can wait
/// for them.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isLeaving = false
        var isEmpty: CheckedContinuation<Void, Never>?

        /// The waiter for the end, during a shutdown.
        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            channels.isEmpty ? isEmpty.take() : nil
        }
    }

    /// Makes a connection take no further request, and close after its last response.
    struct Leave: Sendable {}

    private let state = Mutex(State())

    /// False when it is too late for a new connection.
    func add(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard !state.isLeaving else { return false }
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    func remove(_ channel: any Channel) {
        let isEmpty = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            return state.takeWaiter()
        }
        isEmpty?.resume()
    }

    /// Lets every connection finish, and returns when none is left.
    func leave() async {
        let open = state.withLock { state in
            state.isLeaving = true
            return Array(state.channels.values)
        }
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(Leave()) }
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                state.isEmpty = continuation
                return state.takeWaiter()
            }
            isEmpty?.resume()
        }
    }

    /// Stops waiting: closes every connection, finished or not.
    func drop() {
        let (open, waiter) = state.withLock { state in
            state.isLeaving = true
            defer { state.channels = [:] }
            return (Array(state.channels.values), state.isEmpty.take())
        }
        for channel in open { channel.close(promise: nil) }
        waiter?.resume()
    }
}
