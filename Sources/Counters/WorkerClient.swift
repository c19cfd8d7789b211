import Metering
import Quotas

/// What a worker answered.
public struct WorkerResponse: Hashable, Sendable {
    public let status: Int
    public let body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        (self.status, self.body) = (status, body)
    }
}

/// Sends `POST path` with this body to a worker, as `application/json` and with `Authorization: Bearer` and a key that
/// has the scopes `check` and `marks`, and returns what it answered. What it throws is not shown to anybody.
public typealias WorkerPost =
    @Sendable (_ path: String, _ body: [UInt8]) async throws -> WorkerResponse

/// The two things that a program without PostgreSQL asks a worker for.
struct WorkerClient: ClinicProvider {
    let post: WorkerPost
    let patience: Duration

    /// Why nothing came of it.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    func bring(_ clinic: ClinicID) async throws(QuotaError) -> Bool {
        let answer: WorkerResponse
        do throws(Problem) { answer = try await ask("/v1/clinics/\(clinic)/load", []) } catch {
            throw .termsUnavailable("\(error)")
        }
        switch answer.status {
        case 200: return true
        case 404 where Self.code(of: answer.body) == "unknown-clinic": return false
        default: throw .termsUnavailable("the worker answers \(answer.status)")
        }
    }

    /// Posts at most `MarksDocument.marksMax` marks. When it returns, the worker has taken charge of them all.
    ///
    /// - Returns: Why some are not in the ledger, by how many.
    func take(_ marks: some Sequence<HighWaterMarks.OpenMark>) async throws(Problem) -> [String:
        Int]
    {
        let answer = try await ask("/v1/marks", MarksDocument.body(marks))
        guard answer.status == 200, let refusals = MarksDocument.refusals(answer.body) else {
            throw Problem(description: "the worker answers \(answer.status)")
        }
        return refusals
    }

    /// Whoever supplied `post` may have forgotten a deadline, so there is one here.
    private func ask(_ path: String, _ body: [UInt8]) async throws(Problem) -> WorkerResponse {
        typealias Told = Result<WorkerResponse, Problem>
        let cancelled = Told.failure(Problem(description: "cancelled"))
        let (post, patience) = (post, patience)
        return try await AnswerOnce<Told>.wait(orWhenCancelled: cancelled) { answer in
            let work = Task {
                do { return Told.success(try await post(path, body)) } catch {
                    return Told.failure(Problem(description: "the worker gives no answer"))
                }
            }
            let alarm = Task {
                guard (try? await Task.sleep(for: patience)) != nil else { return }
                answer(.failure(Problem(description: "the worker was silent for \(patience)")))
                work.cancel()
            }
            Task {
                answer(await work.value)
                alarm.cancel()
            }
        }.get()
    }

    /// The last part of a problem's type.
    private static func code(of body: [UInt8]) -> String? {
        guard let json = try? JSON(bytes: body, bytesMax: 65_536),
            case .text(let type)? = json["type"]
        else { return nil }
        return type.split(separator: ":").last.map(String.init)
    }
}
