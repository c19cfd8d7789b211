import Logging
import NIOPosix

extension RedisClient {
    /// A client on the event loops that the whole program shares, for one that has none of its own.
    public convenience init(_ configuration: RedisConfiguration) {
        self.init(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "metering.redis"))
    }
}
