/// The columns of an answer.
final class RowShape: Sendable {
    let names: [String]
    let types: [UInt32]
    /// Where each name stands first.
    let places: [String: Int]

    init(names: [String], types: [UInt32]) {
        self.names = names
        self.types = types
        self.places = Dictionary(zip(names, names.indices)) { first, _ in first }
    }
}
