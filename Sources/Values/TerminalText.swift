/// What of a text from outside may go to a terminal, and how wide it is there.
public enum TerminalText {
    /// The text on one line between quotes: at most 80 scalars, nothing that a terminal acts on.
    public static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        var safe = String.UnicodeScalarView(scalars.prefix(80).map { acts($0) ? "\u{FFFD}" : $0 })
        if scalars.count > 80 { safe.append("…") }
        return "\"\(String(safe))\""
    }

    /// The text without anything that a terminal acts on, cut with `…` when it is wider than `most`
    /// columns.
    ///
    /// One cluster may pile up any number of marks, so a cluster has at most 8 scalars here; that
    /// bounds what a held text takes.
    /// - Returns: The text, and the columns that it takes.
    public static func fitted(_ text: String, in most: Int) -> (text: String, width: Int) {
        var pieces: [(text: String, width: Int)] = []
        var width = 0
        for character in text {
            let piece = safe(character)
            let step = columns(of: piece)
            guard width + step <= most else {
                while width >= most, let last = pieces.popLast() { width -= last.width }
                pieces.append(("…", 1))
                width += 1
                break
            }
            pieces.append((piece, step))
            width += step
        }
        return (pieces.map(\.text).joined(), width)
    }

    /// The character without anything that a terminal would act on.
    ///
    /// Control characters (C0, DEL, C1), line and paragraph separators, and format characters such
    /// as the ones that turn the direction of writing, become U+FFFD. The two joiners stay, because
    /// Persian and emoji need them.
    static func safe(_ character: Character) -> String {
        var safe = String.UnicodeScalarView()
        for scalar in character.unicodeScalars.prefix(8) {
            safe.append(acts(scalar) ? "\u{FFFD}" : scalar)
        }
        return String(safe)
    }

    private static func acts(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
        case .format: scalar != "\u{200C}" && scalar != "\u{200D}"
        default: false
        }
    }

    /// Columns that text takes: 2 for wide and emoji characters, 0 for marks, else 1.
    ///
    /// Terminals differ in the details, so this is close and not exact: a cluster is as wide as its
    /// first scalar, or 2 when a variation selector asks for an emoji.
    static func columns(of text: String) -> Int {
        text.reduce(0) { sum, character in
            guard let first = character.unicodeScalars.first else { return sum }
            let isEmoji =
                first.properties.isEmojiPresentation
                || character.unicodeScalars.dropFirst().first == "\u{FE0F}"
            return sum + (isEmoji || isWide(first) ? 2 : isMark(first) ? 0 : 1)
        }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: true
        default: false
        }
    }

    /// The blocks whose characters are wide or full-width by Unicode's Standard Annex 11.
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
            0x1F200...0x1F265, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
