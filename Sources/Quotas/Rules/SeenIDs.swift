/// What is remembered of ids at `seen:{<clinic>}:0..2`: each bucket holds those of one hour.
public struct SeenIDs: Hashable, Sendable {
    public struct Bucket: Hashable, Sendable {
        public var hour: Int64
        public var ids: [[UInt8]: [UInt8]] = [:]
    }

    public var buckets: [Bucket?] = [nil, nil, nil]

    public init() {}

    func value(of field: [UInt8], at now: Int64) -> [UInt8]? {
        let hour = now / HoldLimits.hour
        return buckets.compactMap(\.self).last { $0.hour > hour - 3 && $0.ids[field] != nil }?
            .ids[field]
    }

    /// Ids in the bucket that the next one goes to.
    func count(at now: Int64) -> Int {
        let hour = now / HoldLimits.hour
        guard let bucket = buckets[Int(hour % 3)], bucket.hour > hour - 3 else { return 0 }
        return bucket.ids.count
    }

    mutating func remember(_ field: [UInt8], _ value: [UInt8], at now: Int64) {
        let hour = now / HoldLimits.hour
        let place = Int(hour % 3)
        var bucket = buckets[place] ?? Bucket(hour: hour)
        if bucket.hour <= hour - 3 { bucket = Bucket(hour: hour) }
        bucket.ids[field] = value
        buckets[place] = bucket
    }
}
