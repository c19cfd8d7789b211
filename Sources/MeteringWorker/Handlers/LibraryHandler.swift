import HTTPServer
import Ledger
import Metering
import Quotas

/// Routes for clients that call Redis directly: they load clinics into Redis, and post marks.
struct LibraryHandler: Sendable {
    let checks: CheckHandler
    let ledger: Ledger
    let posted: PostedMarks

    var routes: [Route] {
        [
            .keyed("POST", "/v1/clinics/{id}/load", scope: .check, in: checks.keys, load),
            .keyed(
                "POST", "/v1/marks", scope: .marks, in: checks.keys,
                bodyBytesMax: MarksCall.bodyBytesMax, marks),
        ]
    }

    private struct Loaded: Encodable {
        let clinic_id: String
        let config_version: Int64
    }

    /// `POST /v1/clinics/{id}/load`: the answer to MISS and STALE. A peek loads what Redis lacks,
    /// once for all concurrent requests, and changes nothing otherwise.
    @Sendable private func load(_ call: RouteCall) throws(Problem) -> Route.Work {
        let clinic = try call.clinic()
        return { (owner) async throws(Problem) -> APIResponse in
            try owner.mustSee(clinic)
            let decision = try await checks.decide(CheckCall(peekAt: clinic))
            return APIResponse(
                status: 200,
                json: Loaded(
                    clinic_id: clinic.description, config_version: decision.configVersion))
        }
    }

    private struct Taken: Encodable {
        struct Refused: Encodable {
            let index: Int
            let reason: String
        }
        let accepted: Int
        let refused: [Refused]
    }

    /// `POST /v1/marks`: with the response 200, the accepted marks are committed.
    @Sendable private func marks(_ call: RouteCall) throws(Problem) -> Route.Work {
        let call = try MarksCall(body: call.body)
        return { (owner) async throws(Problem) -> APIResponse in
            let verdicts: [PostedMarks.Verdict]
            do throws(LedgerError) {
                verdicts = try await posted.take(call.marks, for: owner, into: ledger)
            } catch {
                throw .unavailable("\(error)")
            }
            let refused = verdicts.enumerated().filter { $0.element != .accepted }
            return APIResponse(
                status: 200,
                json: Taken(
                    accepted: verdicts.count - refused.count,
                    refused: refused.map { .init(index: $0.offset, reason: $0.element.rawValue) }))
        }
    }
}
