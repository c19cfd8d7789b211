import Crypto
import Quotas

extension CallID {
    /// What a client may name: a call, a hold or a refund.
    enum Kind: String {
        case request, hold, refund
    }

    /// The longest name, in bytes.
    static let nameBytesMax = 200

    /// The first 16 bytes of the SHA-256 of the kind, a zero byte and the name. Two names that a
    /// caller chose have the same with a chance of about 1 in 2^128; Redis keeps no text of
    /// callers.
    init(_ kind: Kind, named name: String) {
        let digest = SHA256.hash(data: Array(kind.rawValue.utf8) + [0] + Array(name.utf8))
        let words = digest.prefix(16).enumerated().reduce(into: (UInt64(0), UInt64(0))) {
            if $1.offset < 8 { $0.0 = $0.0 << 8 | UInt64($1.element) }
            if $1.offset >= 8 { $0.1 = $0.1 << 8 | UInt64($1.element) }
        }
        self.init(high: words.0, low: words.1)
    }
}
