import Values

struct NoSuchOverride: RequestError, CustomStringConvertible {
    let id: Int64
    let fault: RequestFault? = .refused

    var description: String {
        "override \(id) is not in force: see `billing overrides list`"
    }
}
