struct NoSuchOverride: Error, CustomStringConvertible {
    let id: Int64

    var description: String {
        "no override \(id) runs: see `billing override list`"
    }
}
