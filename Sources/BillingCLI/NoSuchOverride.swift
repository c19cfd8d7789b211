struct NoSuchOverride: Error, CustomStringConvertible {
    let id: Int64

    var description: String {
        "override \(id) is not in force: see `billing override list`"
    }
}
