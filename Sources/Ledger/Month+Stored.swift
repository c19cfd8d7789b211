import Metering

extension Month {
    /// Days to the first of the month: below 3 million for every month there is.
    var stored: Int32 { Int32(clamping: daysSince1970) }
}
