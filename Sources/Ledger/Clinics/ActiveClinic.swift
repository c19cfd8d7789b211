public import Metering

/// A clinic in the order in which active ones are listed.
public struct ActiveClinic: Hashable, Sendable {
    let bucket: Int64
    public let clinic: ClinicID
}
