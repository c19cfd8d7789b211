import Billing
import Shell
import Values

/// A plan or a status that no clinic can have: a misspelled word must not give an empty report.
struct UnknownWord: RequestError, CustomStringConvertible {
    let fault: RequestFault? = .refused
    let description: String

    static func refuse(_ words: [String], outside known: [String], option: String) throws {
        let strange = words.first { $0 != ReportSelection.none && !known.contains($0) }
        guard let strange else { return }
        let list = Set(known).sorted().prefix(20).map(TerminalText.quoted).joined(separator: ", ")
        throw UnknownWord(
            description: "\(option) \(TerminalText.quoted(strange)) is unknown; known are "
                + "\(list.isEmpty ? "none" : list), and none for clinics without a subscription")
    }
}
