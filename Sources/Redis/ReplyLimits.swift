/// What one reply may cost, checked before anything is allocated for it.
struct ReplyLimits: Sendable, Hashable {
    let bytesMax: Int
    let depthMax: Int
    let elementsMax: Int

    init(_ configuration: RedisConfiguration) {
        bytesMax = max(1, configuration.replyBytesMax)
        depthMax = min(max(1, configuration.replyDepthMax), 7)
        elementsMax = max(1, configuration.replyElementsMax)
    }
}
