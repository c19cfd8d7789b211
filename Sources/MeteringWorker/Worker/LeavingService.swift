import ServiceLifecycle

/// Stops before all other services: from then on the worker reports that it is not ready.
struct LeavingService: Service {
    let readiness: Readiness

    func run() async throws {
        try? await gracefulShutdown()
        readiness.stop()
    }
}
