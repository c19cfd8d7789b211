import NIOCore

/// The requests of one connection that are not answered yet, oldest first: answers leave in their order.
struct ResponseQueue {
    struct Place {
        /// Not begun as long as this is here.
        var request: APIRequest?
        var response: APIResponse?
        var form: ResponseForm
        /// The client waits for a word before it sends the body.
        var awaitsContinue = false
    }

    /// The most that are worked on at once; more wait in the line, and nothing more is read.
    static let most = 64

    private var places = CircularBuffer<Place>()
    private var first = 0
    /// The number of the next to begin with.
    private var next = 0
    /// Begun and not answered.
    private(set) var inWork = 0
    /// What is in work tolerates nothing beside it.
    private var isAlone = false

    var isEmpty: Bool { places.isEmpty }
    var isFull: Bool { places.count >= Self.most }

    mutating func append(_ form: ResponseForm) {
        places.append(Place(form: form))
    }

    /// The newest place. The line must not be empty.
    var last: Place {
        get { places[places.index(before: places.endIndex)] }
        set { places[places.index(before: places.endIndex)] = newValue }
    }

    /// Whether something can be written now.
    var isReady: Bool { places.first.map { $0.response != nil || $0.awaitsContinue } ?? false }

    /// Whether the newest is begun and not answered.
    var lastIsInWork: Bool {
        !places.isEmpty && first + places.count - 1 < next && last.response == nil
    }

    /// The next request to begin with, when there is one and room for it.
    mutating func upNext() -> (number: Int, APIRequest)? {
        guard !isAlone, inWork < Self.most else { return nil }
        while next < first + places.count {
            if let request = places[place(next)].request { return (next, request) }
            // Its request has not come whole yet, unless it is answered already.
            guard places[place(next)].response != nil else { return nil }
            next += 1
        }
        return nil
    }

    /// Takes the request that is up next into work.
    ///
    /// - Parameter alone: Nothing may be begun before it is answered, because what it does and what comes
    ///   behind it may depend on each other (RFC 9112, section 9.3.2).
    mutating func begin(alone: Bool) {
        places[place(next)].request = nil
        next += 1
        inWork += 1
        isAlone = alone
    }

    mutating func respond(_ number: Int, _ response: APIResponse) {
        inWork -= 1
        isAlone = false
        guard number >= first, number < first + places.count else { return }
        places[place(number)].response = response
    }

    /// Takes the oldest place when it is answered.
    mutating func takeAnswered() -> (APIResponse, ResponseForm)? {
        guard let place = places.first, let response = place.response else { return nil }
        places.removeFirst()
        first += 1
        next = max(next, first)
        return (response, place.form)
    }

    /// True once when the oldest request's client waits for the word to go on.
    mutating func takeContinue() -> Bool {
        guard var oldest = places.first, oldest.awaitsContinue else { return false }
        oldest.awaitsContinue = false
        places[places.startIndex] = oldest
        return true
    }

    private func place(_ number: Int) -> CircularBuffer<Place>.Index {
        places.index(places.startIndex, offsetBy: number - first)
    }
}
