import Synchronization

/// Something that a process makes once, on first use. Callers that come meanwhile wait for it.
public final class MadeOnce<Value: Sendable>: Sendable {
    private let making = Mutex<Task<Value, any Error>?>(nil)
    private let make: @Sendable () async throws -> Value

    public init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

    public var value: Value {
        get async throws {
            let task = making.withLock { making in
                if let making { return making }
                let new = Task { [make] in try await make() }
                making = new
                return new
            }
            return try await task.value
        }
    }
}
