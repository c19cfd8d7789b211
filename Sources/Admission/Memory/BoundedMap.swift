/// A dictionary of bounded size. When it is full, a new key evicts the key that was set longest
/// ago.
///
/// Capacity 3: after `a`, `b`, `c` and `a` again were set, setting `d` evicts `b` and leaves `c`,
/// `a` and `d`. A map of 100,000 clinics that meets one more loses one of them, never all at once.
/// Reading a key does not protect it, so readers need no exclusive access. Each operation is O(1):
/// entries are linked by their places in one array, from the oldest to the newest.
package struct BoundedMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let key: Key
        var value: Value
        /// Places of the neighbours; `noPlace` at the ends.
        var older: Int
        var newer: Int
    }

    /// Most keys that are kept, at least 1.
    package let capacity: Int
    private var places: [Key: Int] = [:]
    private var entries: [Entry] = []
    private var oldestPlace = noPlace
    private var newestPlace = noPlace

    private static var noPlace: Int { -1 }

    package init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    package var count: Int { entries.count }
    package var isFull: Bool { entries.count >= capacity }

    /// The entry that is evicted next.
    package var oldest: (key: Key, value: Value)? {
        guard oldestPlace != Self.noPlace else { return nil }
        return (entries[oldestPlace].key, entries[oldestPlace].value)
    }

    /// All values, in no order.
    package var values: some Sequence<Value> { entries.lazy.map(\.value) }

    /// Setting a value makes the key the newest; setting nil removes it.
    package subscript(key: Key) -> Value? {
        get { places[key].map { entries[$0].value } }
        set {
            switch (newValue, places[key]) {
            case (let value?, let place?):
                entries[place].value = value
                makeNewest(place)
            case (let value?, nil): insert(value, for: key)
            case (nil, let place?): remove(at: place)
            case (nil, nil): break
            }
        }
    }

    /// Changes the value of a key in place, starting from `initial` if it has none. The key becomes
    /// the newest.
    package mutating func update<Result>(
        _ key: Key, startingFrom initial: @autoclosure () -> Value,
        _ change: (inout Value) -> Result
    ) -> Result {
        if let place = places[key] {
            makeNewest(place)
        } else {
            insert(initial(), for: key)
        }
        return change(&entries[newestPlace].value)
    }

    /// Changes the value of a key in place, if it has one. The order stays.
    package mutating func updateIfPresent(_ key: Key, _ change: (inout Value) -> Void) {
        guard let place = places[key] else { return }
        change(&entries[place].value)
    }

    /// Removes all entries that `isUnwanted` says; O(n).
    package mutating func removeAll(where isUnwanted: (Key, Value) -> Bool) {
        var place = oldestPlace
        var kept = BoundedMap(capacity: capacity)
        while place != Self.noPlace {
            let entry = entries[place]
            if !isUnwanted(entry.key, entry.value) { kept[entry.key] = entry.value }
            place = entry.newer
        }
        self = kept
    }
}

extension BoundedMap {
    private mutating func insert(_ value: Value, for key: Key) {
        if isFull { remove(at: oldestPlace) }
        let place = entries.count
        entries.append(
            Entry(key: key, value: value, older: Self.noPlace, newer: Self.noPlace))
        places[key] = place
        linkAsNewest(place)
    }

    private mutating func makeNewest(_ place: Int) {
        guard place != newestPlace else { return }
        unlink(place)
        linkAsNewest(place)
    }

    private mutating func linkAsNewest(_ place: Int) {
        (entries[place].older, entries[place].newer) = (newestPlace, Self.noPlace)
        if newestPlace == Self.noPlace {
            oldestPlace = place
        } else {
            entries[newestPlace].newer = place
        }
        newestPlace = place
    }

    private mutating func unlink(_ place: Int) {
        let (older, newer) = (entries[place].older, entries[place].newer)
        if older == Self.noPlace { oldestPlace = newer } else { entries[older].newer = newer }
        if newer == Self.noPlace { newestPlace = older } else { entries[newer].older = older }
    }

    /// The last entry of the array moves into the gap, so that the array has none.
    private mutating func remove(at place: Int) {
        unlink(place)
        places[entries[place].key] = nil
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.key] = place
        let (older, newer) = (last.older, last.newer)
        if older == Self.noPlace { oldestPlace = place } else { entries[older].newer = place }
        if newer == Self.noPlace { newestPlace = place } else { entries[newer].older = place }
    }
}
