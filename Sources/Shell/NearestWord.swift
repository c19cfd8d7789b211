/// The known word that a misspelt one most likely means.
enum NearestWord {
    /// - Returns: The nearest word, the first of several equally near; nil when none is near. Two
    ///   changes are near, because two letters in each other's place are two, and so are as many as
    ///   a third of the letters; a change of every letter is not.
    static func to(_ wrong: String, among words: [String]) -> String? {
        let near = words.map { (word: $0, distance: distance(wrong, $0)) }
            .min { $0.distance < $1.distance }
        let letters = wrong.utf8.prefix(100).count
        guard let near, near.distance <= max(2, letters / 3), near.distance < letters else {
            return nil
        }
        return near.word
    }

    /// The insertions, deletions and replacements of bytes that turn one text into the other.
    ///
    /// `CHEKPOINT` to `CHECKPOINT` is 1. A name of the environment may be 128 KiB long, so only the
    /// first 100 bytes count.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8.prefix(100)), Array(right.utf8.prefix(100)))
        var row = Array(0...right.count)
        for (line, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
