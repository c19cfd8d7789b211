import Values

struct NoSuchMessages: RequestError, CustomStringConvertible {
    let ids: [Int64]
    let fault: RequestFault? = .refused

    var description: String {
        "the outbox has no message \(ids.map(String.init).joined(separator: ", ")): "
            + "`billing outbox list` prints the open ones"
    }
}
