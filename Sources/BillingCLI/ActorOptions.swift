import ArgumentParser

/// Who acts, for the audit log: a name that the login gives, beside the login itself.
struct ActorOptions: ParsableArguments {
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Your name, for the audit log beside the login. Without it: BILLING_ACTOR.",
            valueName: "name"))
    var name: String?

    func validate() throws {
        guard name.map(Self.isUsable) ?? true else {
            throw ValidationError("--as \(Self.form)")
        }
    }

    static let form = "takes 1 to 50 letters, digits and signs of ASCII, such as an e-mail address"

    /// It travels as the name of the connection, of which PostgreSQL keeps 63 bytes of ASCII.
    static func isUsable(_ name: String) -> Bool {
        (1...50).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            && name.contains { $0 != " " }
    }
}
