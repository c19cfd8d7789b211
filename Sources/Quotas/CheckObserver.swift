/// Is told how each check ended. Called on the path of every check, so it must cost next to nothing and never wait.
public protocol CheckObserver: Sendable {
    func checked(
        _ mode: CheckRequest.Mode, _ result: Result<QuotaAnswer, QuotaError>, took: Duration)
}
