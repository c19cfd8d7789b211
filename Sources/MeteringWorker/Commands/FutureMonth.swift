import Metering

struct FutureMonth: Error, CustomStringConvertible {
    let month: Month
    let current: Month
    var description: String { "\(month) has not started; the current month is \(current) (UTC)" }
}
