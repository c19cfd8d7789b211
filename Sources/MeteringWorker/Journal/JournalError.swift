/// Why a directory cannot hold a journal.
struct JournalError: Error, Hashable {
    let path: String
    let reason: String
}
