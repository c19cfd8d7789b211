public import Values

/// The identity of a clinic: the `uuid` of its row in the application's table.
public struct ClinicID: Hashable, Sendable {
    public let id: UniqueID

    public init(_ id: UniqueID) { self.id = id }

    public init(high: UInt64, low: UInt64) { self.init(UniqueID(high: high, low: low)) }

    /// The identity of exactly 16 bytes in network order, or nil for any other count.
    @inlinable public init?(bytes: some Collection<UInt8>) {
        guard let id = UniqueID(bytes: bytes) else { return nil }
        self.init(id)
    }

    /// Reads the canonical text from its ASCII bytes, or nil for anything else.
    @inlinable public init?(ascii text: some Sequence<UInt8>) {
        guard let id = UniqueID(ascii: text) else { return nil }
        self.init(id)
    }

    /// The 16 bytes in network order.
    public var bytes: [UInt8] { id.bytes }

    /// The canonical text as 36 ASCII bytes, for writers that never need a `String`.
    public var ascii: [UInt8] { id.ascii }
}

extension ClinicID: Comparable {
    /// By bytes, as PostgreSQL orders `uuid`.
    public static func < (left: ClinicID, right: ClinicID) -> Bool { left.id < right.id }
}

extension ClinicID: LosslessStringConvertible {
    public init?(_ description: String) { self.init(ascii: description.utf8) }
    public var description: String { id.description }
}

extension ClinicID: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ClinicID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a clinic id is a UUID of 36 characters")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
