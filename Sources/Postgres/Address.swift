/// The parts of the settings that may be shown: address and login, never a secret.
struct Address: Sendable {
    let user: String?
    let host: String?
    let port: String?
    let database: String?
    let service: String?
}
