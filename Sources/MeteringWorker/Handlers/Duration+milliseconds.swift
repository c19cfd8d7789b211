import Quotas
import Values

extension Duration {
    /// Whole milliseconds, rounded up.
    var millisecondsUp: Int64 {
        let microseconds = wholeMicroseconds
        return microseconds / 1000 + (microseconds % 1000 > 0 ? 1 : 0)
    }
}
