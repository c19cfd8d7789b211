/// How far a day in UTC is, without the day.
public struct TimeOfDay: Hashable, Sendable {
    /// Microseconds since midnight, 0..<86,400,000,000.
    public let microseconds: Int64

    /// The time of day of an instant. 1,795,428,007,000,000 is at 10:00:07; −1 is a microsecond
    /// before midnight.
    /// - Parameter instant: Microseconds since 1970-01-01 00:00 UTC.
    public init(of instant: Int64) {
        let rest = instant % CivilDate.microsecondsPerDay
        microseconds = rest < 0 ? rest + CivilDate.microsecondsPerDay : rest
    }
}

extension TimeOfDay: CustomStringConvertible {
    /// `10:00:07`; what is less than a second is cut off.
    public var description: String {
        let second = microseconds / 1_000_000
        return [second / 3_600, second / 60 % 60, second % 60].map { $0.padded(to: 2) }
            .joined(separator: ":")
    }
}
