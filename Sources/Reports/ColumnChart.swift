/// Columns over days or months, as the template `columns` draws them. Places are thousandths.
struct ColumnChart {
    struct Column {
        let label: String
        let value: String
        let isNow: Bool
        let x: String
        let y: String
        let width: String
        let height: String
    }
    struct Tick {
        let label: String
        let x: String
    }
    /// What one column stands for.
    struct Value {
        let label: String
        let amount: Int64
        /// Written below the column; nil for none.
        var tick: String?
        var isNow = false
    }

    let id: String
    let name: String
    let width: String
    let note: String
    /// What the columns are: `Day`.
    let unit: String
    let nothing: String
    let hasValues: Bool
    let columns: [Column]
    let ticks: [Tick]
    /// From the top down, as many as there are lines.
    let scale: [String]
    let lines = ["0%", "25%", "50%", "75%", "100%"]

    init(
        id: String, name: String, width: String, note: String, unit: String, nothing: String,
        _ values: [Value]
    ) {
        (self.id, self.name, self.width, self.note) = (id, name, width, note)
        (self.unit, self.nothing) = (unit, nothing)
        let largest = values.map(\.amount).max() ?? 0
        hasValues = values.contains { $0.amount != 0 }
        let step = Self.step(for: largest)
        scale = (0...4).reversed().map { HTMLNumbers.short(step * UInt64($0)) }
        columns = values.enumerated().map { place, value in
            let (left, wide) = Self.place(place, of: values.count)
            // A quarter of the height is one step.
            let quarters = HTMLNumbers.permille(value.amount, of: Int64(step), upTo: 4_000)
            let tall = value.amount > 0 ? max(quarters / 4, 3) : 0
            return Column(
                label: value.label, value: HTMLNumbers.grouped(value.amount), isNow: value.isNow,
                x: HTMLNumbers.length(left), y: HTMLNumbers.length(1_000 - tall),
                width: HTMLNumbers.length(wide), height: HTMLNumbers.length(tall))
        }
        ticks = values.enumerated().compactMap { place, value in
            guard let tick = value.tick else { return nil }
            let (left, wide) = Self.place(place, of: values.count)
            return Tick(label: tick, x: HTMLNumbers.length(left + wide / 2))
        }
    }

    /// Where a column begins and how wide it is: three quarters of its share.
    private static func place(_ place: Int, of count: Int) -> (left: Int, width: Int) {
        let (from, to) = (place * 1_000 / count, (place + 1) * 1_000 / count)
        let width = max((to - from) * 3 / 4, 1)
        return (from + (to - from - width) / 2, width)
    }

    /// A quarter of the scale: 1, 2, 3, 4, 5, 6 or 8 times a power of ten, so that four hold
    /// `largest`.
    ///
    /// 1,250 needs 400, because 300 × 4 is less.
    static func step(for largest: Int64) -> UInt64 {
        let needed = max((max(largest, 0).magnitude + 3) / 4, 1)
        var power: UInt64 = 1
        while power * 10 <= needed { power *= 10 }
        let step = [1, 2, 3, 4, 5, 6, 8].first { power * $0 >= needed } ?? 10
        return power * step
    }
}
