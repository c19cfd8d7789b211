import Foundation
import Glibc

/// What Linux reports about this process, read again each time. Nil where /proc has nothing.
struct ProcessFigures {
    private(set) var samples: [MetricName: [MetricSample]] = [:]

    init() {
        readStatus()
        if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            // One of them is the directory itself, open while it is read.
            samples[.processFiles] = [.number(max(0, files.count - 1))]
        }
        if let most = Self.fields("/proc/self/limits", line: "Max open files")?.dropFirst(3).first,
            let number = Int64(most)
        {
            samples[.processFilesMax] = [.number(number)]
        }
    }

    private mutating func readStatus() {
        // The name of the program is in brackets and may hold anything, so counting starts after
        // them.
        guard let text = Self.text("/proc/self/stat"), let end = text.lastIndex(of: ")") else {
            return
        }
        let fields = text[text.index(after: end)...].split(separator: " ").map { Int64($0) ?? 0 }
        guard fields.count > 21 else { return }
        let ticks = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let tick = 1_000_000_000 / ticks
        samples[.processCPU] = [.number((fields[11] &+ fields[12]) &* tick)]
        samples[.processThreads] = [.number(fields[17])]
        samples[.processVirtual] = [.number(fields[20])]
        samples[.processResident] = [.number(fields[21] &* Int64(sysconf(Int32(_SC_PAGESIZE))))]
        guard let boot = Self.fields("/proc/stat", line: "btime")?.dropFirst().first,
            let seconds = Int64(boot)
        else { return }
        samples[.processStart] = [.number(seconds &* 1_000_000_000 &+ fields[19] &* tick)]
    }

    private static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }

    /// The words of the first line with this prefix.
    private static func fields(_ path: String, line beginning: String) -> [Substring]? {
        text(path)?.split(separator: "\n").first { $0.hasPrefix(beginning) }?
            .split(separator: " ")
    }
}
