extension String {
    /// For a part of a URL: all characters except letters, digits and `-._~` as `%XX`.
    var percentEncoded: String { encoded(keeping: "-._~") }

    /// For a path of a URL: slashes stay.
    var percentEncodedPath: String { encoded(keeping: "-._~/") }

    /// For `redis.conf`: in double quotes, with `\` before what would end them.
    var redisQuoted: String {
        "\"" + replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    private func encoded(keeping marks: String) -> String {
        let kept = Set(marks.utf8)
        return utf8.reduce(into: "") { text, byte in
            let scalar = UnicodeScalar(byte)
            if kept.contains(byte) || (byte < 128 && scalar.properties.isAlphabetic)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            {
                text.unicodeScalars.append(scalar)
            } else {
                text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
    }
}
