import Admission
import HTTPServer
import Ledger
import Metering
import Quotas

/// `GET /v1/clinics/{id}/explain`: why a clinic was or would be denied, and where each number comes
/// from.
struct ExplainHandler: Sendable {
    let checks: CheckHandler
    let ledger: Ledger
    /// Since when this worker has seen denials, µs since 1970.
    let watchingSince: Int64

    var routes: [Route] {
        [.keyed("GET", "/v1/clinics/{id}/explain", scope: .usage, in: checks.keys, explain)]
    }

    @Sendable private func explain(_ call: RouteCall) throws(Problem) -> Route.Work {
        let clinic = try call.clinic()
        return { (owner) async throws(Problem) -> APIResponse in
            try owner.mustSee(clinic)
            let decision = try await checks.decide(CheckCall(peekAt: clinic))
            guard let capacity = try await checks.capacity(of: clinic) else { throw .unknownClinic }
            let origin: TermsProvenance?
            do throws(LedgerError) {
                origin = try await ledger.clinics.provenance(of: clinic, at: decision.decidedAt)
            } catch {
                throw .unavailable("\(error)")
            }
            guard let origin else { throw .unknownClinic }
            let denials = checks.gate.denials
            return APIResponse(
                status: 200,
                json: ExplainDocument(
                    clinic: clinic, decision: decision, origin: origin, capacity: capacity,
                    denials: denials.denials(of: clinic), last: denials.last(of: clinic),
                    since: watchingSince))
        }
    }
}
