/// A time span for a person.
enum Age {
    /// 59 → `59 s`, 7,260 → `2 h`, 200,000 → `2 days`; rounded down.
    static func text(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7_200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}
