/// Sends `POST path` with this body to a worker and returns the response.
///
/// The request is `application/json` and carries `Authorization: Bearer` with a key of the scopes
/// `check` and `marks`. An error that this throws is not shown to clients.
public typealias WorkerPost =
    @Sendable (_ path: String, _ body: [UInt8]) async throws -> WorkerResponse
