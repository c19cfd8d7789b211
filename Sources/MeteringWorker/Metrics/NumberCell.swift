import Synchronization

/// One number that many threads raise or set.
final class NumberCell: Sendable {
    private let number = Atomic<Int64>(0)

    var value: Int64 { number.load(ordering: .relaxed) }

    func add(_ amount: Int) { number.wrappingAdd(Int64(amount), ordering: .relaxed) }

    func set(_ value: Int) { number.store(Int64(value), ordering: .relaxed) }
}
