import Foundation
import Logging
import TestSupport
import Testing
import WorkerSupport

@testable import Shell

@Suite(.timed) struct `Log lines` {
    private static let time = Date(timeIntervalSince1970: 1_764_040_144.25)

    private func line(_ message: String, _ metadata: Logger.Metadata = [:]) -> String {
        LogRecord(
            time: Self.time, level: .warning, label: "metering-worker", message: message,
            metadata: metadata
        ).text
    }

    @Test func `are one JSON object with the time in UTC`() {
        #expect(
            line(
                "lost Redis", ["reason": "closed", "tries": .array(["1", .stringConvertible(2)])])
                == #"{"ts":"2025-11-25T03:09:04.250Z","level":"warning","label":"metering-worker","#
                + #""message":"lost Redis","metadata":{"reason":"closed","tries":["1","2"]}}"#)
    }

    @Test func `hold no character that ends a line or moves a terminal`() throws {
        let odd = "a\"b\\c\n\r\t\u{0}\u{1B}[31m\u{7F}\u{85}\u{9B}\u{2028}\u{2029}é\u{301}😀"
        let text = line(odd, ["key\n": .string(odd)])
        for scalar in text.unicodeScalars {
            #expect(scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value))
            #expect(scalar.value != 0x2028 && scalar.value != 0x2029)
        }
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["message"] as? String == odd)
        #expect((object["metadata"] as? [String: String])?["key\n"] == odd)
    }

    @Test func `are bounded whatever is logged`() throws {
        let long = String(repeating: "\u{1B}😀", count: 100_000)
        var deep = Logger.MetadataValue.string(long)
        for _ in 0..<50 { deep = .array([deep, deep.first]) }
        let many = Dictionary(
            uniqueKeysWithValues: (0..<1_000).map {
                ("key \($0)", Logger.MetadataValue.string(long))
            })
        for text in [line(long), line("x", ["deep": deep]), line(long, many)] {
            #expect(text.utf8.count <= LogRecord.bytesMax)
            _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
        }
        #expect(line("x", many).contains("omitted_bytes"))
    }

    @Test func `are all there is on stderr of a whole run of serve`() async throws {
        try await ProgramSite.lend(clinics: 1) { site in
            let worker = try await site.serve(["LOG_FORMAT": "json", "LOG_LEVEL": "trace"])
            #expect(await worker.isReady)
            worker.process.send(SIGTERM)
            #expect(try await worker.process.waitForEnd() == .exited(0))
            let run = try await OutsideReader.python("read_log.py", worker.process.errors)
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(try #require(Int(run.output.dropLast())) >= 4)
            #expect(worker.process.errors.contains(#""message":"stopped""#))
        }
    }

    @Test func `tell in JSON too why a start failed`() async throws {
        for wrong in [["HTTP_PORT": "70000"], ["REDIS_URL": "redis://127.0.0.1:1"]] {
            let run = try await Program.run(
                ["metering-worker", "serve"], wrong.merging(["LOG_FORMAT": "json"]) { $1 })
            #expect(run.ending == .exited(1))
            let read = try await OutsideReader.python("read_log.py", run.errors)
            #expect(read.ending == .exited(0), "\(read.errors)")
            #expect(run.errors.contains(#""level":"error","label":"metering-worker""#))
        }
    }
}

extension Logger.MetadataValue {
    /// Something beside, so that a list has two elements and the whole does not double with each level.
    fileprivate var first: Logger.MetadataValue { "beside" }
}
