import Admission
import Metering
import Quotas

/// The body of `POST /v1/marks`, and the response of a worker.
enum MarksDocument {
    /// Most marks of one request.
    static let marksMax = 1_000
    private static let answerBytesMax = 262_144

    static func body(_ marks: some Sequence<HighWaterMarks.OpenMark>) -> [UInt8] {
        let entries = marks.map { open in
            let mark = open.mark
            return """
                {"clinic_id":"\(open.clinic)","period":\(mark.period),"epoch":"\(mark.epoch)",\
                "used":\(mark.used),"credited":\(mark.credited),\
                "config_version":\(mark.configVersion),"seen_at":\(mark.seenAt)}
                """
        }
        return Array(#"{"marks":[\#(entries.joined(separator: ","))]}"#.utf8)
    }

    /// Marks that the worker refused, counted by reason; nil when the body is no response to marks.
    static func refusals(_ body: [UInt8]) -> [String: Int]? {
        guard let json = try? JSON(bytes: body, bytesMax: answerBytesMax),
            case .number? = json["accepted"], case .list(let refused)? = json["refused"]
        else { return nil }
        var reasons: [String: Int] = [:]
        for entry in refused {
            guard case .text(let reason)? = entry["reason"] else { return nil }
            reasons[reason, default: 0] += 1
        }
        return reasons
    }
}
