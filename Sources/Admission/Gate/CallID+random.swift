public import Quotas

extension CallID {
    public static func random() -> CallID {
        CallID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }
}
