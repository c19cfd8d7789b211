import Metering

/// The text of the month that the rows of a report share, made once.
struct MonthText {
    private var known: (month: Month, ascii: [UInt8])?

    mutating func ascii(_ month: Month) -> [UInt8] {
        if let known, known.month == month { return known.ascii }
        let ascii = Array(month.description.utf8)
        known = (month, ascii)
        return ascii
    }
}
