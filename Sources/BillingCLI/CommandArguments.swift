import ArgumentParser
import Foundation
import Metering
import Values

/// How the arguments of the commands about subscriptions are read.
enum CommandArguments {
    static func time(_ text: String) throws -> UTCTime {
        guard let time = UTCTime(text) else {
            throw ValidationError("a time is written 2026-11-23 or 2026-11-23T10:00:07Z, in UTC")
        }
        return time
    }

    static func month(_ text: String) throws -> Month {
        guard let month = Month(text) else {
            throw ValidationError("a month is written YYYY-MM, such as 2026-11")
        }
        return month
    }

    /// A text that the database stores. It counts code points, as PostgreSQL does.
    static func require(
        _ text: String?, _ option: String, most: Int
    ) throws {
        guard let text else { return }
        guard (1...most).contains(text.unicodeScalars.count) else {
            throw ValidationError("\(option) has 1 to \(most) characters")
        }
    }

    static func day(_ text: String) throws -> CivilDate {
        guard let day = CivilDate(text) else {
            throw ValidationError("a day is written 2026-11-23")
        }
        return day
    }
}
