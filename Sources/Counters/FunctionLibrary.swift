/// The function library `metering` as it is sent to Redis.
public enum FunctionLibrary {
    public static let name = "metering"
    /// Must equal VERSION in `metering.lua`. A server that holds a higher number keeps it.
    public static let version: Int64 = 4

    public static var text: String {
        // Three files, because a large one is slow to compile as an embedded one.
        String(
            decoding: PackageResources.metering_lua + PackageResources.upkeep_lua
                + PackageResources.holds_lua, as: UTF8.self)
    }
}
