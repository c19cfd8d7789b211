import NIOCore

/// Calls on keys that go out with the next write.
struct Gathering {
    /// A call of 64 checks holds the server for a third of a millisecond; no other client waits
    /// longer.
    static let keysMax = 64

    private(set) var calls: [Call] = []

    var isEmpty: Bool { calls.isEmpty }

    mutating func add(_ call: Call) { calls.append(call) }

    /// Takes everything, as runs of calls that one command can carry, in the order in which they
    /// came.
    mutating func takeRuns() -> [[Call]] {
        guard calls.count > 1 else { return takeAll() }
        var runs: [[Call]] = []
        var run: [Call] = []
        run.reserveCapacity(min(calls.count, Self.keysMax))
        for call in calls {
            if let first = run.first,
                run.count == Self.keysMax || first.keyed?.function != call.keyed?.function
            {
                runs.append(run)
                run.removeAll(keepingCapacity: true)
            }
            run.append(call)
        }
        runs.append(run)
        calls.removeAll(keepingCapacity: true)
        return runs
    }

    private mutating func takeAll() -> [[Call]] {
        defer { calls.removeAll(keepingCapacity: true) }
        return calls.isEmpty ? [] : [calls]
    }
}

extension Gathering {
    /// Appends `FCALL name n key… argument…`.
    static func encode(_ calls: [Call], into buffer: inout ByteBuffer) {
        guard let function = calls.first?.keyed?.function else { return }
        let keys = calls.compactMap { $0.keyed?.key }
        let arguments = calls.compactMap { $0.keyed?.argument() }
        let bytes = (keys + arguments).reduce(0) { $0 + 24 + $1.count }
        let most = 160 + function.name.utf8.count + bytes
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { memory in
            var writer = CommandWriter(memory)
            writer.header(UInt8(ascii: "*"), 3 + keys.count + arguments.count)
            writer.bulk(function.command)
            writer.bulk(function.name)
            writer.bulk(Int64(keys.count))
            for key in keys { key.withUnsafeBytes { writer.bulk($0) } }
            for argument in arguments { argument.withUnsafeBytes { writer.bulk($0) } }
            return writer.written
        }
    }
}
