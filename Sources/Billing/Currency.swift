/// A currency of ISO 4217, with the number of its decimal places.
///
/// An unknown code is refused instead of being given two decimal places, because that guess can be
/// wrong by a factor of 100: 1000 minor units of JPY are 1,000 yen, not 10.
public struct Currency: Hashable, Sendable {
    /// Three capital letters: `EUR`.
    public let code: String
    /// 0 for JPY, 2 for EUR, 3 for KWD, 4 for CLF.
    public let exponent: Int

    public init?(code: String) {
        guard let exponent = Self.exponents[code] else { return nil }
        (self.code, self.exponent) = (code, exponent)
    }

    /// The currencies that people pay in today, by their decimal places. Metals, units that only
    /// banks use and test codes are left out.
    private static let codes: [(exponent: Int, codes: String)] = [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (
            2,
            """
            AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD \
            BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN \
            ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR \
            IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK \
            MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK \
            PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP \
            STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES \
            WST XCD XCG YER ZAR ZMW ZWG
            """
        ),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ]
    private static let exponents: [String: Int] = Dictionary(
        codes.flatMap { group in
            group.codes.split(separator: " ").map { (String($0), group.exponent) }
        }, uniquingKeysWith: { first, _ in first })
}
