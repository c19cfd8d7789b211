import Foundation

/// What is wrong with the key `standing` of a plan.
public struct DunningScheduleError: Error, Hashable, CustomStringConvertible {
    /// For example `metering.standing.notices`.
    public let path: String
    public let problem: String

    public var description: String { "\(path) \(problem)" }
}

extension DunningSchedule {
    /// Reads the text of `features.metering.standing`; nil is the schedule by default.
    ///
    /// `{"notices": [1, 3, 7, 12], "suspend_after_days": 14, "cancel_after_days": 60, "trial_days": 14,
    /// "minimum_dwell_hours": 24}`, each key optional.
    public init(json text: String?) throws(DunningScheduleError) {
        self.init()
        guard let text, text != "null" else { return }
        guard text.utf8.count <= 4_096 else { throw Self.wrong("", "is longer than 4 KiB") }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        } catch {
            throw Self.wrong("", "is not an object of whole numbers")
        }
        let known = Document.CodingKeys.allCases.map(\.rawValue)
        if let key = document.keys.subtracting(known).min() {
            throw Self.wrong(key, "is not known; known are \(known.joined(separator: ", "))")
        }
        noticeDays = document.notices ?? noticeDays
        suspendAfterDays = document.suspend_after_days ?? suspendAfterDays
        cancelAfterDays = document.cancel_after_days ?? cancelAfterDays
        trialDays = document.trial_days ?? trialDays
        minimumDwellHours = document.minimum_dwell_hours ?? minimumDwellHours
        try check()
    }

    private func check() throws(DunningScheduleError) {
        guard (1...3_650).contains(suspendAfterDays) else {
            throw Self.wrong("suspend_after_days", "is \(suspendAfterDays): write 1 to 3650")
        }
        guard (suspendAfterDays + 1...3_651).contains(cancelAfterDays) else {
            throw Self.wrong(
                "cancel_after_days", "is \(cancelAfterDays): write more than suspend_after_days")
        }
        guard (0...3_650).contains(trialDays) else {
            throw Self.wrong("trial_days", "is \(trialDays): write 0 to 3650")
        }
        guard (0...720).contains(minimumDwellHours) else {
            throw Self.wrong("minimum_dwell_hours", "is \(minimumDwellHours): write 0 to 720")
        }
        let isAscending = zip(noticeDays, noticeDays.dropFirst()).allSatisfy { $0 < $1 }
        guard noticeDays.count <= 50, isAscending,
            noticeDays.allSatisfy({ (1..<cancelAfterDays).contains($0) })
        else {
            throw Self.wrong("notices", "are not ascending days before cancel_after_days")
        }
    }

    private static func wrong(_ key: String, _ problem: String) -> DunningScheduleError {
        DunningScheduleError(
            path: "metering.standing" + (key.isEmpty ? "" : "." + key), problem: problem)
    }
}

private struct Document: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case notices, suspend_after_days, cancel_after_days, trial_days, minimum_dwell_hours
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    let keys: Set<String>
    let notices: [Int64]?
    let suspend_after_days, cancel_after_days, trial_days, minimum_dwell_hours: Int64?

    init(from decoder: any Decoder) throws {
        keys = Set(try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue))
        let object = try decoder.container(keyedBy: CodingKeys.self)
        notices = try object.decodeIfPresent([Int64].self, forKey: .notices)
        suspend_after_days = try object.decodeIfPresent(Int64.self, forKey: .suspend_after_days)
        cancel_after_days = try object.decodeIfPresent(Int64.self, forKey: .cancel_after_days)
        trial_days = try object.decodeIfPresent(Int64.self, forKey: .trial_days)
        minimum_dwell_hours = try object.decodeIfPresent(Int64.self, forKey: .minimum_dwell_hours)
    }
}
