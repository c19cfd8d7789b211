/// The response of a worker.
public struct WorkerResponse: Hashable, Sendable {
    public let status: Int
    public let body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        (self.status, self.body) = (status, body)
    }
}
