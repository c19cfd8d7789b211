public import Metering

/// What is open of one kind in the list of attention.
public struct OpenAttention: Hashable, Sendable {
    public let kind: String
    public let count: Int64
    /// Of the latest; nil when it is about no single clinic.
    public let clinic: ClinicID?
    public let subject: String
    public let detail: String

    public init(kind: String, count: Int64, clinic: ClinicID?, subject: String, detail: String) {
        (self.kind, self.count, self.clinic) = (kind, count, clinic)
        (self.subject, self.detail) = (subject, detail)
    }
}
