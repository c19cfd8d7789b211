import ServiceLifecycle

/// Stops first of all: from then on the worker says that it is not ready.
struct LeavingService: Service {
    let readiness: Readiness

    func run() async throws {
        try? await gracefulShutdown()
        readiness.stop()
    }
}
