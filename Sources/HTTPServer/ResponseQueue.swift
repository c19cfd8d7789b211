import NIOCore

/// The requests of one connection without a response, oldest first: responses leave in this order.
struct ResponseQueue {
    struct Place {
        /// The request, until it starts.
        var request: APIRequest?
        var response: APIResponse?
        var form: ResponseForm
        /// The client waits for `100 Continue` before it sends the body.
        var awaitsContinue = false
    }

    /// The most requests in progress at once; more wait in the queue, and the server reads no more.
    static let most = 64

    private var places = CircularBuffer<Place>()
    private var first = 0
    /// The number of the next request to start.
    private var next = 0
    /// Started, without a response.
    private(set) var inWork = 0
    /// The request in progress must run alone.
    private var isAlone = false

    var isEmpty: Bool { places.isEmpty }
    var isFull: Bool { places.count >= Self.most }

    mutating func append(_ form: ResponseForm) {
        places.append(Place(form: form))
    }

    /// The newest place. The queue must not be empty.
    var last: Place {
        get { places[places.index(before: places.endIndex)] }
        set { places[places.index(before: places.endIndex)] = newValue }
    }

    /// Whether something can be written now.
    var isReady: Bool { places.first.map { $0.response != nil || $0.awaitsContinue } ?? false }

    /// Whether the newest request has started and has no response.
    var lastIsInWork: Bool {
        !places.isEmpty && first + places.count - 1 < next && last.response == nil
    }

    /// The next request to start, when there is one and the bounds allow it.
    mutating func upNext() -> (number: Int, APIRequest)? {
        guard !isAlone, inWork < Self.most else { return nil }
        while next < first + places.count {
            if let request = places[place(next)].request { return (next, request) }
            // Its request is incomplete, unless it has a response already.
            guard places[place(next)].response != nil else { return nil }
            next += 1
        }
        return nil
    }

    /// Starts the next request.
    ///
    /// - Parameter alone: No request may start before its response, because what it does and what
    ///   comes after it may depend on each other (RFC 9112, section 9.3.2).
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

    /// Removes and returns the oldest place when it has a response.
    mutating func takeAnswered() -> (APIResponse, ResponseForm)? {
        guard let place = places.first, let response = place.response else { return nil }
        places.removeFirst()
        first += 1
        next = max(next, first)
        return (response, place.form)
    }

    /// True once when the oldest request's client waits for `100 Continue`.
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
