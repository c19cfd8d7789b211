import FoundationEssentials
import Shell
import Values

/// Plays an access log: every line that is a call becomes one check over HTTP.
struct DemoTraffic: Sendable {
    let log: AccessLogFile
    let port: Int
    let key: String
    let database: DemoDatabase
    /// The plan of a clinic; nil = no subscription.
    let plan: @Sendable (DemoClinic) -> String?

    /// Each on its own connection.
    static let callsAtOnce = 32
    static let malformedShown = 10

    /// - Parameter note: Receives a line for each of the first malformed lines.
    func play(note: (String) -> Void) async throws -> TrafficTally {
        var tally = TrafficTally()
        var reader = AccessLogReader()
        var known: [String: DemoClinic] = [:]
        var progress = ProgressLine()
        try await log.pieces { piece in
            var hosts: [String] = []
            reader.feed(piece) { take($0, &tally, &hosts, note) }
            try await play(hosts, &known, &tally)
            progress.show("\(tally.lines) lines")
        }
        var hosts: [String] = []
        reader.finish { take($0, &tally, &hosts, note) }
        try await play(hosts, &known, &tally)
        progress.clear()
        return tally
    }

    private func take(
        _ line: AccessLogLine, _ tally: inout TrafficTally, _ hosts: inout [String],
        _ note: (String) -> Void
    ) {
        tally.lines += 1
        switch line {
        case .call(let host): hosts.append(host)
        case .malformed(let number, let excerpt, let fault):
            tally.malformed += 1
            if tally.malformed <= Self.malformedShown {
                note("line \(number) is malformed, \(fault.reason): \(excerpt)")
            }
        }
    }

    private func play(
        _ hosts: [String], _ known: inout [String: DemoClinic], _ tally: inout TrafficTally
    ) async throws {
        var new: [(clinic: DemoClinic, plan: String?)] = []
        for host in hosts where known[host] == nil {
            let clinic = DemoClinic(host: host)
            known[host] = clinic
            new.append((clinic, plan(clinic)))
        }
        try await database.add(new)
        let clinics = hosts.compactMap { known[$0] }
        let lanes = min(Self.callsAtOnce, clinics.count)
        try await withThrowingTaskGroup(of: [String?].self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    try await check(
                        stride(from: lane, to: clinics.count, by: lanes).map { clinics[$0] })
                }
            }
            for try await denials in group { denials.forEach { tally.count($0) } }
        }
    }

    /// One call of each, over one connection.
    ///
    /// - Returns: For each call, nil when it was allowed, else the reason of the denial.
    private func check(_ clinics: [DemoClinic]) async throws -> [String?] {
        try await CheckConnection.lend(port: port, key: key) { connection in
            var denials: [String?] = []
            for clinic in clinics {
                denials.append(try Self.denial(try await connection.check(clinic), clinic))
            }
            return denials
        }
    }

    private static func denial(
        _ response: CheckConnection.Response, _ clinic: DemoClinic
    ) throws -> String? {
        switch response.status {
        case 200: return nil
        case 402, 429:
            return try JSONDecoder().decode(Denied.self, from: Data(response.body)).reason
        default:
            throw NoDecision(
                clinic: clinic.host, status: response.status,
                body: String(decoding: response.body, as: UTF8.self))
        }
    }

    private struct Denied: Decodable {
        let reason: String
    }

    struct NoDecision: Error, CustomStringConvertible {
        let clinic: String
        let status: Int
        let body: String

        var description: String {
            "a call of \(TerminalText.quoted(clinic)) got status \(status) instead of a decision: "
                + Console.oneLine(body)
        }
    }
}
