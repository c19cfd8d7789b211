/// The parameters of one call, laid out as libpq wants them.
struct ParameterBlock {
    /// What libpq takes: a pointer, a length and a format (0 text, 1 binary) for each parameter.
    struct Pointers {
        let count: Int32
        let values: UnsafePointer<UnsafePointer<CChar>?>?
        let lengths: UnsafePointer<Int32>?
        let formats: UnsafePointer<Int32>?
    }

    /// All values behind one another, each followed by a NUL.
    private var bytes: [UInt8] = []
    /// Where each value begins; nil is NULL.
    private var starts: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    /// The protocol counts parameters in 16 bits.
    private static let parametersMax = 65_535

    init(_ parameters: [PostgresValue]) throws(PostgresError) {
        guard parameters.count <= Self.parametersMax else {
            throw .unsuitableStatement("it has more than \(Self.parametersMax) parameters")
        }
        for parameter in parameters {
            if case .bytes(let value) = parameter {
                try append(value, format: 1)
            } else if let text = parameter.text {
                // libpq takes text up to the first NUL: without this check it would be cut in
                // silence.
                guard !text.utf8.contains(0) else { throw .server(.nulCharacter) }
                try append(text.utf8, format: 0)
            } else {
                starts.append(nil)
                lengths.append(0)
                formats.append(0)
            }
        }
    }

    private mutating func append(
        _ value: some Collection<UInt8>, format: Int32
    ) throws(PostgresError) {
        guard let length = Int32(exactly: value.count), bytes.count < Int(Int32.max) - Int(length)
        else { throw .unsuitableStatement("its parameters are larger than 2 GiB") }
        starts.append(bytes.count)
        lengths.append(length)
        formats.append(format)
        bytes.append(contentsOf: value)
        bytes.append(0)
    }

    /// The pointers are valid during `body` only.
    func withPointers(_ body: (Pointers) -> Int32) -> Int32 {
        bytes.withUnsafeBytes { buffer in
            let base = buffer.bindMemory(to: CChar.self).baseAddress
            let values = starts.map { start in start.flatMap { base?.advanced(by: $0) } }
            return values.withUnsafeBufferPointer { values in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(
                            Pointers(
                                count: Int32(starts.count), values: values.baseAddress,
                                lengths: lengths.baseAddress, formats: formats.baseAddress))
                    }
                }
            }
        }
    }
}

extension PostgresServerError {
    /// What the server says about a NUL in text, said before it is sent.
    static let nulCharacter = PostgresServerError(
        sqlState: "22021", schema: nil, table: nil, column: nil, constraint: nil, dataType: "text",
        routine: nil, position: nil, unsafeMessage: "text contains a NUL character",
        unsafeDetail: nil, unsafeHint: nil)
}
