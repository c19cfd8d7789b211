import Foundation
import HTTPServer
import Metering
import TestSupport
import Testing

@testable import MeteringWorker
@testable import Quotas

/// A decision is written by a writer of our own, so it is held against the library's encoder.
@Suite(.timed) struct `JSON writer` {
    @Test func `writes every kind of value`() {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("a", "x")
            writer.member("b", -12)
            writer.member("c", true)
            writer.member("d", orNull: nil)
            writer.name("e")
            writer.list([1, 2]) { $0.integer($1) }
            writer.name("f")
            writer.object { _ in }
            writer.name("g")
            writer.list([]) { (_: inout JSONWriter, _: Int) in }
            writer.member("h", Int64.min)
            writer.member("i", Int64.max)
        }
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"a":"x","b":-12,"c":true,"d":null,"e":[1,2],"f":{},"g":[],"#
                + #""h":-9223372036854775808,"i":9223372036854775807}"#)
    }

    @Test func `escapes what JSON forbids in a text`() throws {
        for scalar in (0...0x2FF).compactMap(Unicode.Scalar.init) {
            let text = "a\(Character(scalar))b"
            var writer = JSONWriter()
            writer.list([text]) { $0.text($1) }
            writer.newline()
            #expect(writer.bytes == APIResponse.bytes([text]))
            let read = try JSONDecoder().decode([String].self, from: Data(writer.bytes))
            #expect(read == [text])
        }
    }

    /// The document is public, so not even the order of its members may differ between the two.
    @Test func `makes of a decision what the encoder makes`() async throws {
        var random = SplitMix64(seed: Seed.current("decisions as JSON"))
        var box = TimeBox("decisions as JSON", share: 30)
        while await box.hasTime {
            let decision = QuotaDecision.random(&random)
            let clinic = ClinicID(
                high: .random(in: .min ... .max, using: &random),
                low: .random(in: .min ... .max, using: &random))
            let modes: [CheckRequest.Mode] = [.peek, .consume, .force, .atMost]
            let mode = modes[Int.random(in: 0..<modes.count, using: &random)]
            var document = DecisionDocument(decision, of: clinic, mode: mode)
            document.repeated = Bool.random(using: &random) ? nil : .random(using: &random)
            document.remembered = Bool.random(using: &random) ? nil : .random(using: &random)
            try #require(document.bytes == APIResponse.bytes(document), "\(decision)")
            let answer = APIResponse(document)
            try #require(answer.body == document.bytes)
            try #require(decision.isAllowed == (answer.status == 200))
        }
        box.report()
    }
}

extension QuotaDecision {
    fileprivate static func random(_ random: inout SplitMix64) -> QuotaDecision {
        let reasons: [Reason] = [
            .rateLimit, .quota, .concurrency, .ended, .readOnly, .noSubscription, .suspended,
        ]
        let limits = (0..<Int.random(in: 0...8, using: &random)).map { _ in
            Limit(
                name: name(&random), burst: number(&random), remaining: number(&random),
                window: .microseconds(number(&random)),
                resetAfter: .microseconds(number(&random)),
                isNamed: .random(using: &random), hasDenied: .random(using: &random),
                isInShadow: .random(using: &random))
        }
        return QuotaDecision(
            isAllowed: .random(using: &random),
            reasons: reasons.filter { _ in Bool.random(using: &random) },
            retryAfter: Bool.random(using: &random) ? nil : .microseconds(number(&random)),
            limits: limits,
            period: Period(
                start: number(&random), end: number(&random),
                used: number(&random) - number(&random),
                quota: Bool.random(using: &random) ? nil : number(&random)),
            decidedAt: number(&random), configVersion: number(&random),
            admitted: number(&random),
            wouldDeny: (0..<Int.random(in: 0...3, using: &random)).map { _ in name(&random) },
            isDegraded: .random(using: &random))
    }

    /// Small and large ones alike, as far as a reply can carry them.
    private static func number(_ random: inout SplitMix64) -> Int64 {
        Int64.random(in: 0..<1 << 53, using: &random) >> Int64.random(in: 0..<53, using: &random)
    }

    private static func name(_ random: inout SplitMix64) -> String {
        let letters = Array("abc-.\"\\/\n\t\u{8}\u{C}\u{1F} é🦷中\u{7F}\u{2028}".unicodeScalars)
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            scalars.append(letters[Int.random(in: 0..<letters.count, using: &random)])
        }
        return String(scalars)
    }
}
