import Admission
import TestSupport
import Testing

@Suite(.timed) struct `A bounded map` {
    @Test func `evicts the key that was set longest ago`() {
        var map = BoundedMap<String, Int>(capacity: 3)
        for (key, value) in [("a", 1), ("b", 2), ("c", 3), ("a", 4), ("d", 5)] {
            map[key] = value
        }
        #expect(map["b"] == nil)
        #expect(map["c"] == 3 && map["a"] == 4 && map["d"] == 5)
        #expect(map.count == 3 && map.isFull)
        #expect(map.oldest?.key == "c")
    }

    @Test func `loses one key of a hundred thousand for each new one`() {
        var map = BoundedMap<Int, Int>(capacity: 100_000)
        for key in 0..<100_000 { map[key] = key }
        map[100_000] = 1
        #expect(map.count == 100_000)
        #expect(map[0] == nil && map[1] == 1 && map[100_000] == 1)
    }

    @Test func `protects no key that is only read`() {
        var map = BoundedMap<Int, Int>(capacity: 2)
        (map[1], map[2]) = (1, 2)
        #expect(map[1] == 1)
        map[3] = 3
        #expect(map[1] == nil && map[2] == 2)
    }

    @Test func `changes a value in place and makes its key the newest`() {
        var map = BoundedMap<Int, [Int]>(capacity: 2)
        map.update(1, startingFrom: []) { $0.append(10) }
        map.update(2, startingFrom: []) { $0.append(20) }
        let count = map.update(1, startingFrom: []) { list in
            list.append(11)
            return list.count
        }
        #expect(count == 2)
        map.updateIfPresent(2) { $0.append(21) }
        map.updateIfPresent(3) { $0.append(30) }
        #expect(map[2] == [20, 21] && map[3] == nil)
        map[4] = []
        #expect(map[2] == nil && map[1] == [10, 11])
    }

    @Test func `keeps at least one key`() {
        var map = BoundedMap<Int, Int>(capacity: -5)
        for key in 0..<3 { map[key] = key }
        #expect(map.capacity == 1 && map.count == 1 && map[2] == 2)
        map[2] = nil
        #expect(map.count == 0 && map.oldest == nil)
    }

    @Test func `is equal to a list that is searched from its oldest entry`() async throws {
        let name = "bounded map"
        var random = SplitMix64(seed: Seed.current(name))
        var box = TimeBox(name, share: 5)
        while await box.hasTime {
            var map = BoundedMap<Int, Int>(capacity: Int.random(in: 1...7, using: &random))
            var model = ListedMap(capacity: map.capacity)
            for step in 0..<200 {
                let key = Int.random(in: 0..<12, using: &random)
                switch random.next() % 6 {
                case 0:
                    map[key] = nil
                    model.remove(key)
                case 1:
                    map.update(key, startingFrom: 100) { $0 += step }
                    model.set(key, (model.value(of: key) ?? 100) + step)
                case 2:
                    map.updateIfPresent(key) { $0 += 1 }
                    model.raise(key)
                case 3 where random.next() % 8 == 0:
                    map.removeAll { $0 % 3 == key % 3 || $1 % 2 == 0 }
                    model.entries.removeAll { $0.key % 3 == key % 3 || $0.value % 2 == 0 }
                default:
                    map[key] = step
                    model.set(key, step)
                }
                try #require(map.count == model.entries.count)
                try #require(map.oldest?.key == model.entries.first?.key)
                for key in 0..<12 { try #require(map[key] == model.value(of: key)) }
                try #require(map.values.sorted() == model.entries.map(\.value).sorted())
            }
        }
        box.report()
    }
}

/// The rule of `BoundedMap` without its links: a list, the oldest entry first.
private struct ListedMap {
    let capacity: Int
    var entries: [(key: Int, value: Int)] = []

    init(capacity: Int) { self.capacity = capacity }

    func value(of key: Int) -> Int? { entries.first { $0.key == key }?.value }

    mutating func remove(_ key: Int) { entries.removeAll { $0.key == key } }

    mutating func set(_ key: Int, _ value: Int) {
        remove(key)
        if entries.count == capacity { entries.removeFirst() }
        entries.append((key, value))
    }

    mutating func raise(_ key: Int) {
        guard let place = entries.firstIndex(where: { $0.key == key }) else { return }
        entries[place].value += 1
    }
}
