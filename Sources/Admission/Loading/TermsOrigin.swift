/// Where a gate gets the terms of clinics from.
enum TermsOrigin: Sendable {
    /// It reads PostgreSQL itself.
    case database(any TermsSource)
    /// Another process brings clinics to the counter store.
    case provider(any ClinicProvider)

    var isProvider: Bool { if case .provider = self { true } else { false } }
}
