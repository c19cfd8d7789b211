import FoundationEssentials
import Synchronization

/// TCP ports without a listener, below 32768: the kernel never uses those for outgoing connections.
public enum FreePort {
    private static let range = 20_000...32_000
    private static let handedOut = Mutex<Set<Int>>([])

    /// A port that is free now and that this process did not get before. Another process may still
    /// be faster, so a caller must be ready to try again.
    public static func next() -> Int {
        let used = listening()
        return handedOut.withLock { taken in
            if taken.count > range.count / 2 { taken.removeAll() }
            while true {
                let port = Int.random(in: range)
                if !used.contains(port), taken.insert(port).inserted { return port }
            }
        }
    }

    /// Local ports of every socket in `/proc/net/tcp` and `tcp6`: the second field,
    /// `0100007F:1F90`.
    private static func listening() -> Set<Int> {
        var ports: Set<Int> = []
        for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let bytes = try? Data(contentsOf: URL(filePath: file)) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > 1, let port = fields[1].split(separator: ":").last else {
                    continue
                }
                if let number = Int(port, radix: 16) { ports.insert(number) }
            }
        }
        return ports
    }
}
