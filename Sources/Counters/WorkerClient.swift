import Admission
import Metering
import Quotas

/// What a program without PostgreSQL requests from a worker: clinics, and that it takes marks.
struct WorkerClient: ClinicProvider {
    let post: WorkerPost
    let patience: Duration

    /// Why the worker did not do it.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    func provide(_ clinic: ClinicID) async throws(QuotaError) -> Bool {
        let response: WorkerResponse
        do throws(Problem) { response = try await send("/v1/clinics/\(clinic)/load", []) } catch {
            throw .termsUnavailable("\(error)")
        }
        switch response.status {
        case 200: return true
        case 404 where Self.code(of: response.body) == "unknown-clinic": return false
        default: throw .termsUnavailable("the worker answers \(response.status)")
        }
    }

    /// Posts at most `MarksDocument.marksMax` marks. When it returns, the worker is responsible for
    /// them.
    ///
    /// - Returns: Marks that are not in the ledger, counted by reason.
    func post(_ marks: some Sequence<HighWaterMarks.OpenMark>) async throws(Problem) -> [String:
        Int]
    {
        let response = try await send("/v1/marks", MarksDocument.body(marks))
        guard response.status == 200, let refusals = MarksDocument.refusals(response.body) else {
            throw Problem(description: "the worker answers \(response.status)")
        }
        return refusals
    }

    /// The `post` of the embedding program may have no deadline, so there is one here.
    private func send(_ path: String, _ body: [UInt8]) async throws(Problem) -> WorkerResponse {
        typealias Received = Result<WorkerResponse, Problem>
        let cancelled = Received.failure(Problem(description: "cancelled"))
        let (post, patience) = (post, patience)
        return try await AnswerOnce<Received>.wait(orWhenCancelled: cancelled) { completion in
            let work = Task {
                do { return Received.success(try await post(path, body)) } catch {
                    return Received.failure(Problem(description: "the worker gives no answer"))
                }
            }
            let alarm = Task {
                guard (try? await Task.sleep(for: patience)) != nil else { return }
                completion(.failure(Problem(description: "the worker was silent for \(patience)")))
                work.cancel()
            }
            Task {
                completion(await work.value)
                alarm.cancel()
            }
        }.get()
    }

    /// The last part of the type of a problem document.
    private static func code(of body: [UInt8]) -> String? {
        guard let json = try? JSON(bytes: body, bytesMax: 65_536),
            case .text(let type)? = json["type"]
        else { return nil }
        return type.split(separator: ":").last.map(String.init)
    }
}
