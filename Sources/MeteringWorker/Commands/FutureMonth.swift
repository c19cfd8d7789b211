import Metering
import Values

struct FutureMonth: RequestError, CustomStringConvertible {
    let month: Month
    let current: Month
    let fault: RequestFault? = .refused
    var description: String { "\(month) has not started; the current month is \(current) (UTC)" }
}
