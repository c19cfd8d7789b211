import HTTPServer
import Metering

extension KeyRing {
    /// The owner of the key in an `Authorization` field, when that key has the scope.
    func owner(
        _ authorization: String?, in scope: KeyOwner.Scope
    ) throws(Problem) -> KeyOwner {
        guard let owner = owner(authorization: authorization) else { throw .unauthorized }
        guard owner.mayAct(in: scope) else { throw .forbidden(scope: scope.rawValue) }
        return owner
    }
}

extension KeyOwner {
    /// Refuses a clinic that this key may not see, like one that does not exist.
    func mustSee(_ clinic: ClinicID) throws(Problem) {
        guard maySee(clinic) else { throw .unknownClinic }
    }
}

extension Problem {
    static let unauthorized = Problem(
        status: 401, code: "unauthorized", title: "A valid API key is needed",
        detail:
            "send the header Authorization: Bearer mk_… with a key that is not expired or revoked")

    static func forbidden(scope: String) -> Problem {
        Problem(
            status: 403, code: "forbidden", title: "The API key may not do this",
            detail: "the key has no scope \(scope); create one with --scope \(scope)")
    }
}
