import FoundationEssentials

/// Where a random test starts. It is printed, so that a failure can be played again.
public enum Seed {
    /// `METERING_TEST_SEED`, or a new one for each run, printed as `seed 42 (name of the test)`.
    public static func current(_ test: String) -> UInt64 {
        let wanted = ProcessInfo.processInfo.environment["METERING_TEST_SEED"]
        let seed = wanted.flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
        print("seed \(seed) (\(test)); again: METERING_TEST_SEED=\(seed)")
        return seed
    }
}
