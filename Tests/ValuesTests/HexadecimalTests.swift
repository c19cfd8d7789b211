import TestSupport
import Testing
import Values

@Suite(.timed) struct `Hexadecimal digits` {
    @Test func `are read in either case, and nothing else is`() {
        for byte in UInt8.min ... .max {
            let text = String(UnicodeScalar(byte))
            let isDigit = "0123456789abcdefABCDEF".contains(text)
            #expect(Hexadecimal.value(of: byte) == (isDigit ? UInt8(text, radix: 16) : nil))
        }
    }

    @Test func `of every byte are two, in lower case`() {
        for byte in UInt8.min ... .max {
            var text: [UInt8] = []
            Hexadecimal.append(byte, to: &text)
            let digits = String(byte, radix: 16)
            #expect(String(decoding: text, as: UTF8.self) == (byte < 16 ? "0" : "") + digits)
            #expect(Hexadecimal.digit(byte) == text[1])
        }
    }
}

@Suite(.timed) struct `Decimal digits` {
    @Test func `are the ten of ASCII`() {
        for byte in UInt8.min ... .max {
            #expect(byte.isASCIIDigit == "0123456789".utf8.contains(byte))
        }
    }

    @Test(arguments: [(7, 2, "07"), (0, 2, "00"), (123, 2, "123"), (5, 0, "5"), (42, 6, "000042")])
    func `get zeros before them`(number: Int, width: Int, text: String) {
        #expect(number.padded(to: width) == text)
    }
}
