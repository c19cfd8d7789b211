extension BinaryInteger {
    /// Decimal digits with zeros before them, at least `width` of them: 7 padded to 2 is `07`.
    ///
    /// Of a number that is not negative.
    public func padded(to width: Int) -> String {
        let digits = String(self)
        return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
    }
}
