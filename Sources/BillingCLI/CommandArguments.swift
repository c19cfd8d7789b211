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

    static func day(_ text: String) throws -> CivilDate {
        guard let day = CivilDate(text) else {
            throw ValidationError("a day is written 2026-11-23")
        }
        return day
    }
}
