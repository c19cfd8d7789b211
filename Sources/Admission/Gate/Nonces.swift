import Synchronization

/// Numbers that no other caller of the counter uses: they start at random and repeat after 2^64
/// steps.
///
/// A random number of the operating system costs a system call, which is too much for every check.
/// SplitMix64: Steele, Lea and Flood, 2014.
final class Nonces: Sendable {
    private let state = Atomic<UInt64>(.random(in: .min ... .max))

    func next() -> UInt64 {
        let step: UInt64 = 0x9e37_79b9_7f4a_7c15
        var mixed = state.wrappingAdd(step, ordering: .relaxed).newValue
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
