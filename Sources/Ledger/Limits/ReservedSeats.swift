/// Seats that are kept free for people who were invited.
public struct ReservedSeats: Hashable, Sendable {
    public let seats: Int64
    public let clinics: Int64
}
