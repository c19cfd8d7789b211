extension PostgresStatement {
    /// The name under which a server keeps the parsed statement, at most 63 bytes: what our sources
    /// call it, `_`, and the FNV-1a hash of its text in 16 hexadecimal digits.
    ///
    /// A name stands for one text in every process. A pooler that hands the session of one client to
    /// another can therefore not make it run another statement.
    ///
    /// Name `now` with the text `SELECT 1` → `now_199e7bca63ea84f2`; generation 2 adds `_2`.
    ///
    /// - Parameter generation: 0 for the first name in a session, 1 for the next, and so on.
    func preparedName(generation: Int = 0) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        let beginning = String(decoding: name.utf8.prefix(40), as: UTF8.self)
        let ending = generation == 0 ? "" : "_\(generation)"
        return "\(beginning)_\(String(repeating: "0", count: 16 - digits.count))\(digits)\(ending)"
    }
}
