/// Bars below their names, as the template `bars` draws them.
struct BarChart {
    struct Bar {
        let label: String
        let value: String
        let sign: String?
        let mood: String
        let length: String
        /// How far the label may reach towards the value.
        let labelWidth: String
        let top: Int
        let textY: Int
        let barY: Int
    }
    /// Bars that stand below one another.
    struct Part {
        /// The id of the chart, whose name is part of its own.
        let chart: String
        let id: String
        /// The bars in words, for readers that do not see them.
        let text: String
        let height: Int
        let bars: [Bar]
    }
    /// What one bar stands for.
    struct Value {
        let label: String
        let amount: Int64
        let value: String
        var sign: String?
        var mood = ""
    }

    let id: String
    let name: String
    let width: String
    let note: String
    let nothing: String
    let hasValues: Bool
    let parts: [Part]

    private static let rowHeight = 36

    /// - Parameters:
    ///   - whole: The amount that fills a bar.
    ///   - perPart: How many bars stand below one another.
    init(
        id: String, name: String, width: String, note: String, nothing: String, whole: Int64,
        perPart: Int = .max, _ values: [Value]
    ) {
        (self.id, self.name, self.width, self.note) = (id, name, width, note)
        self.nothing = nothing
        hasValues = values.contains { $0.amount != 0 }
        var parts: [Part] = []
        var rest = values[...]
        while !rest.isEmpty {
            let bars = rest.prefix(perPart).enumerated().map { place, value in
                let part = HTMLNumbers.permille(value.amount, of: whole)
                return Bar(
                    label: value.label, value: value.value, sign: value.sign, mood: value.mood,
                    // What is there is seen.
                    length: HTMLNumbers.length(value.amount > 0 ? max(part, 4) : 0),
                    labelWidth: value.value.count > 7 ? "55%" : "74%",
                    top: place * Self.rowHeight, textY: 14 + place * Self.rowHeight,
                    barY: 20 + place * Self.rowHeight)
            }
            let text = bars.map { "\($0.label): \($0.value)" }.joined(separator: "; ")
            parts.append(
                Part(
                    chart: id, id: "\(id)-\(parts.count + 1)", text: text,
                    height: bars.count * Self.rowHeight, bars: bars))
            rest = rest.dropFirst(perPart)
        }
        self.parts = parts
    }
}
