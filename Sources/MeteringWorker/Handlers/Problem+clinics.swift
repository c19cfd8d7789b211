import HTTPServer

extension Problem {
    /// Also for a clinic that exists and that the key may not see.
    static let unknownClinic = Problem(
        status: 404, code: "unknown-clinic", title: "There is no such clinic",
        detail: "no clinic with this id is known to this API key")

    static func noSuchLimit(_ limit: String) -> Problem {
        .badRequest(
            "the clinic's plan has no limit \(String(limit.prefix(40)).debugDescription); "
                + "leave limit out or name one of the plan")
    }
}
