import Crypto

/// A key that a caller of the HTTP API carries: `mk_` and 32 random bytes, 46 characters in all.
///
/// `mk_4ZB0…` in base64url without padding (RFC 4648, section 5). It is printed once; only the
/// SHA-256 of its text is stored, which is enough for a secret of 256 bits.
package struct APIKey: Hashable, Sendable {
    /// The whole key. Never stored, never logged.
    package let text: String

    /// The beginning, by which people and scanners for lost secrets know it.
    private static let prefix = "mk_"
    private static let secretLength = 43

    /// A new key from an unpredictable source of randomness.
    package static func make(random: inout some RandomNumberGenerator) -> APIKey {
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        return APIKey(text: prefix + base64URL(bytes))
    }

    private init(text: String) { self.text = text }

    /// The key that a text is, or nil when it has another form.
    init?(parsing text: String) {
        let secret = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard text.hasPrefix(Self.prefix), secret.count == Self.secretLength,
            secret.allSatisfy(Self.alphabet.contains)
        else { return nil }
        self.text = text
    }

    /// What is stored of a key: the SHA-256 of its text, 32 bytes.
    package static func hash(of text: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(text.utf8)))
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Base64 with the alphabet for URLs and no padding: the byte 255 is `_w`.
    static func base64URL(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let read = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let bits = read << UInt32(8 * (3 - group.count))
            for place in 0...group.count {
                text.append(alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
