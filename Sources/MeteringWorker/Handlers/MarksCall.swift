import HTTPServer
import Metering
import Quotas

/// The body of `POST /v1/marks`:
/// `{"marks": [{"clinic_id": "…", "period": 1793491200000000, "epoch": "00c0ffee00c0ffee", "used":
/// 12, "credited": 0, "config_version": 3, "seen_at": 1793500000000000}]}`; times in µs since 1970.
struct MarksCall: Equatable {
    struct Posted: Hashable, Sendable {
        let clinic: ClinicID
        let mark: Mark
    }

    let marks: [Posted]

    static let bodyBytesMax = 262_144
    static let marksMax = 1_000
    /// 2^53 − 1: what Redis, whose numbers are doubles in Lua, counts exactly.
    static let countMax: Int64 = 9_007_199_254_740_991
    static let fields = [
        "clinic_id", "period", "epoch", "used", "credited", "config_version", "seen_at",
    ]

    init(body: [UInt8]) throws(Problem) {
        let json: JSON
        do { json = try JSON(bytes: body, bytesMax: Self.bodyBytesMax) } catch {
            throw .badRequest("the body cannot be read as JSON: \(error)")
        }
        guard case .object(let members) = json, members.map(\.key) == ["marks"],
            case .list(let list)? = json["marks"]
        else { throw .badRequest("the body is not an object with the one field marks, a list") }
        guard (1...Self.marksMax).contains(list.count) else {
            throw .badRequest("marks has 1 to \(Self.marksMax) entries")
        }
        var marks: [Posted] = []
        for (place, entry) in list.enumerated() {
            marks.append(try Self.posted(entry, at: place))
        }
        self.marks = marks
    }

    private static func posted(_ entry: JSON, at place: Int) throws(Problem) -> Posted {
        guard case .object(let members) = entry, Set(members.map(\.key)) == Set(fields) else {
            let names = fields.joined(separator: ", ")
            throw .badRequest("marks[\(place)] does not have exactly the fields \(names)")
        }
        guard case .text(let id)? = entry["clinic_id"], let clinic = ClinicID(id) else {
            throw .badRequest("marks[\(place)].clinic_id is not a UUID of 36 characters")
        }
        guard case .text(let digits)? = entry["epoch"], let epoch = Epoch(digits), epoch != .none
        else { throw .badRequest("marks[\(place)].epoch is not 16 hexadecimal digits, or is 0") }
        let mark = Mark(
            period: try count("period", entry, place), epoch: epoch,
            used: try count("used", entry, place), credited: try count("credited", entry, place),
            configVersion: try count("config_version", entry, place),
            seenAt: try count("seen_at", entry, place))
        guard mark.credited <= mark.used else {
            throw .badRequest("marks[\(place)].credited is more than used")
        }
        return Posted(clinic: clinic, mark: mark)
    }

    private static func count(_ key: String, _ entry: JSON, _ place: Int) throws(Problem) -> Int64 {
        guard case .number(let digits)? = entry[key], let number = Int64(digits),
            (0...Self.countMax).contains(number)
        else {
            throw .badRequest(
                "marks[\(place)].\(key) is not a whole number from 0 to \(Self.countMax)")
        }
        return number
    }
}
