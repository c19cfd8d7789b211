public import Metering

/// Every key that we write to Redis.
public enum CounterKey {
    /// `q:{2f1a8b1e-53c9-4d0f-9c52-0d1f6a3b7c11}`: the braces keep all keys of a clinic in one
    /// slot.
    public static func counter(of clinic: ClinicID) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(40)
        key.append(contentsOf: "q:{".utf8)
        key.append(contentsOf: clinic.ascii)
        key.append(UInt8(ascii: "}"))
        return key
    }
}

extension CounterKey {
    /// `hold:{…}`: what a clinic holds.
    public static func holds(of clinic: ClinicID) -> [UInt8] {
        Array("hold:{\(clinic)}".utf8)
    }

    /// `seen:{…}:0` to `seen:{…}:2`: the ids of three hours.
    public static func seen(of clinic: ClinicID) -> [[UInt8]] {
        (0..<3).map { Array("seen:{\(clinic)}:\($0)".utf8) }
    }
}
