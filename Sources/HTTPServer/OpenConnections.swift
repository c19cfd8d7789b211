import NIOCore
import Synchronization

/// The connections that are open or still have a request being answered, so that the end can wait for them.
final class OpenConnections: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isLeaving = false
        var isEmpty: CheckedContinuation<Void, Never>?

        /// Who waits for the end, when it has come.
        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            channels.isEmpty ? isEmpty.take() : nil
        }
    }

    /// Tells a connection to take no further request, and to close when the last one is answered.
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

    /// Lets every connection finish, and returns when there is none any more.
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

    /// Waits no longer: closes every connection, answered or not.
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
