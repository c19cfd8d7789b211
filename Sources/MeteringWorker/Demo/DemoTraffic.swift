import AsyncHTTPClient
import FoundationEssentials
import Metering
import NIOCore
import NIOHTTP1
import Shell
import Values

/// What became of an access log that was played as calls.
struct TrafficTally: Sendable {
    var lines = 0
    var malformed = 0
    var allowed = 0
    var denied: [String: Int] = [:]

    var calls: Int { lines - malformed }
    var deniedTotal: Int { denied.values.reduce(0, +) }

    /// `lines 10000 = calls 9990 + malformed 10; allowed 9990, denied 0`
    var sentence: String {
        "lines \(lines) = calls \(calls) + malformed \(malformed); "
            + "allowed \(allowed), denied \(deniedTotal)"
    }
}

/// Plays an access log: every line that is a call becomes one check over HTTP.
struct DemoTraffic: Sendable {
    let log: AccessLogFile
    let server: String
    let key: String
    let database: DemoDatabase
    /// The plan of a clinic; nil = no subscription.
    let plan: @Sendable (DemoClinic) -> String?

    static let callsAtOnce = 64
    static let malformedShown = 10

    /// - Parameter note: Takes a line for each of the first malformed lines.
    func play(_ client: HTTPClient, note: (String) -> Void) async throws -> TrafficTally {
        var tally = TrafficTally()
        var reader = AccessLogReader()
        var known: [String: DemoClinic] = [:]
        var progress = ProgressLine()
        try await log.pieces { piece in
            var hosts: [String] = []
            reader.feed(piece) { take($0, &tally, &hosts, note) }
            try await play(hosts, &known, &tally, client)
            progress.show("\(tally.lines) lines")
        }
        var hosts: [String] = []
        reader.finish { take($0, &tally, &hosts, note) }
        try await play(hosts, &known, &tally, client)
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
        _ hosts: [String], _ known: inout [String: DemoClinic], _ tally: inout TrafficTally,
        _ client: HTTPClient
    ) async throws {
        var new: [(clinic: DemoClinic, plan: String?)] = []
        for host in hosts where known[host] == nil {
            let clinic = DemoClinic(host: host)
            known[host] = clinic
            new.append((clinic, plan(clinic)))
        }
        try await database.add(new)
        let clinics = hosts.compactMap { known[$0] }
        try await withThrowingTaskGroup(of: String?.self) { group in
            for (index, clinic) in clinics.enumerated() {
                if index >= Self.callsAtOnce, let answer = try await group.next() {
                    tally.count(answer)
                }
                group.addTask { try await check(clinic, client) }
            }
            for try await answer in group { tally.count(answer) }
        }
    }

    /// One call. Returns nil when it was allowed, else the reason of the denial.
    private func check(_ clinic: DemoClinic, _ client: HTTPClient) async throws -> String? {
        var request = HTTPClientRequest(url: "\(server)/v1/check")
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: "{\"clinic_id\":\"\(clinic.id)\"}"))
        let response = try await client.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 65_536)
        switch response.status.code {
        case 200: return nil
        case 402, 429:
            let denial = try JSONDecoder().decode(Denied.self, from: Data(body.readableBytesView))
            return denial.reason
        case let code:
            throw NoDecision(clinic: clinic.host, status: Int(code), body: String(buffer: body))
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
            "a call of \(TerminalText.quoted(clinic)) got no decision but status \(status): "
                + Console.oneLine(body)
        }
    }
}

extension TrafficTally {
    fileprivate mutating func count(_ denial: String?) {
        if let denial { denied[denial, default: 0] += 1 } else { allowed += 1 }
    }
}
