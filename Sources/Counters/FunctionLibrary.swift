/// The function library `metering` as it is sent to Redis.
public enum FunctionLibrary {
    public static let name = "metering"
    /// Must equal VERSION in `metering.lua`. A server that holds a higher number keeps it.
    public static let version: Int64 = 2

    public static var text: String {
        String(decoding: PackageResources.metering_lua, as: UTF8.self)
    }
}
