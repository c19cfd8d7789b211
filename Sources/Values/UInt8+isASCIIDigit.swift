extension UInt8 {
    /// Whether the byte is one of `0` to `9` in ASCII. Digits of other scripts are not.
    @inlinable public var isASCIIDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
