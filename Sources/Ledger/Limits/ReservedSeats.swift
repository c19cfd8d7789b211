/// Seats that are reserved for invited people.
public struct ReservedSeats: Hashable, Sendable {
    public let seats: Int64
    public let clinics: Int64
}
