import Billing
import Metering
import TestSupport
import Testing

@Suite(.timed) struct `Prices of a plan` {
    @Test func `are exact, in minor units and in twelve digits`() throws {
        let terms = try PlanTerms(
            json: """
                {"billing": {"currency": "EUR", "base": "99.5",
                  "api_calls": {"included": 500000, "unit": 1000, "model": "graduated", "cap": "200.00",
                    "tiers": [{"up_to": 500000, "price": "0.40"}, {"up_to": null, "price": "0.000000000001"}]},
                  "storage": {"unit": 1073741824, "model": "package", "price": "0.02", "basis": "peak"}},
                 "limits": {}, "quota": null}
                """)
        let prices = try #require(terms.prices)
        #expect(prices.base.minor == 9_950 && "\(prices.base)" == "99.50 EUR")
        let calls = try #require(prices.apiCalls)
        #expect(calls.included == 500_000 && calls.unit == 1_000 && calls.cap?.minor == 20_000)
        guard case .graduated(let tiers) = calls.model else {
            throw TestFailure("the model is .graduated, not \(calls.model)")
        }
        #expect(tiers.map(\.upTo) == [500_000, nil])
        #expect(tiers.map(\.price.trillionths) == [400_000_000_000, 1])
        #expect(tiers.map { "\($0.price)" } == ["0.4", "0.000000000001"])
        let price = try #require(UnitPrice("0.02"))
        #expect(prices.storage?.model == .package(price) && prices.storageBasis == .peak)
    }

    @Test(arguments: [nil, "{}", #"{"quota": {"api_calls": 5}}"#, #"{"billing": null}"#])
    func `may be missing`(json: String?) throws {
        let terms = try PlanTerms(json: json)
        #expect(terms.prices == nil && terms.standing == DunningSchedule())
    }

    @Test(arguments: [
        (#"{}"#, "metering.billing.currency is missing"),
        (#"{"currency": "EURO"}"#, "metering.billing.currency is \"EURO\""),
        (#"{"currency": "XAU"}"#, "metering.billing.currency is \"XAU\""),
        (#"{"currency": "eur"}"#, "metering.billing.currency"),
        (#"{"currency": "JPY", "base": "99.5"}"#, "JPY with no decimal places"),
        (#"{"currency": "EUR", "base": "0.005"}"#, "at most 2 decimal places"),
        (#"{"currency": "EUR", "base": 99}"#, #"is a number: write it in quotes, "99""#),
        (#"{"currency": "EUR", "base": "-1"}"#, "base is \"-1\""),
        (#"{"currency": "EUR", "base": "1e3"}"#, "base is \"1e3\""),
        (#"{"currency": "EUR", "base": "1."}"#, "base is \"1.\""),
        (#"{"currency": "EUR", "base": "0001"}"#, "base is \"0001\""),
        (#"{"currency": "EUR", "base": "1000000000000"}"#, "base is"),
        (#"{"currency": "EUR", "prices": {}}"#, "metering.billing.prices is unknown"),
        (
            #"{"currency": "EUR", "api_calls": {"model": "flat"}}"#,
            "model is \"flat\": write unit, package, graduated or volume"
        ),
        (#"{"currency": "EUR", "api_calls": {"model": "unit"}}"#, "price is missing"),
        (
            #"{"currency": "EUR", "api_calls": {"model": "unit", "price": "0.0000000000001"}}"#,
            "at most 12 decimal places"
        ),
        (
            #"{"currency": "EUR", "api_calls": {"model": "unit", "price": "1", "unit": 0}}"#,
            "unit is 0"
        ),
        (
            #"{"currency": "EUR", "api_calls": {"model": "volume", "tiers": []}}"#,
            "tiers is missing"
        ),
        (
            #"{"currency": "EUR", "api_calls": {"model": "volume", "tiers": [{"up_to": 5, "price": "1"}]}}"#,
            "tiers.0.up_to is not null"
        ),
        (
            #"{"currency": "EUR", "api_calls": {"model": "volume", "tiers": [{"price": "1"}, {"price": "1"}]}}"#,
            "tiers.0.up_to is missing"
        ),
        (
            """
            {"currency": "EUR", "api_calls": {"model": "volume", "tiers":
             [{"up_to": 5, "price": "1"}, {"up_to": 5, "price": "1"}, {"price": "1"}]}}
            """, "tiers.1.up_to is 5: write 6"
        ),
        (
            #"{"currency": "EUR", "storage": {"model": "unit", "price": "1", "basis": "mean"}}"#,
            "basis is \"mean\""
        ),
        (
            #"{"currency": "EUR", "api_calls": {"model": "unit", "price": "1", "basis": "peak"}}"#,
            "basis is unknown"
        ),
    ])
    func `are refused with the place and the remedy`(json: String, says: String) {
        #expect {
            try PlanTerms(json: "{\"billing\": \(json)}")
        } throws: {
            "\($0)".contains(says)
        }
    }

    @Test func `know each currency's digits and no other currency`() {
        let exponents = ["JPY": 0, "KRW": 0, "CLP": 0, "EUR": 2, "USD": 2, "KWD": 3, "BHD": 3]
        for (code, exponent) in exponents { #expect(Currency(code: code)?.exponent == exponent) }
        for code in ["", "EU", "XXX", "XTS", "DEM", "ZZZ"] { #expect(Currency(code: code) == nil) }
    }

}

@Suite(.timed) struct `The dunning days of a plan` {
    @Test func `have the usual values where the plan says nothing`() throws {
        let standing = try PlanTerms(
            json: #"{"dunning": {"suspend_after_days": 20, "notices": [2, 5]}}"#
        ).standing
        #expect(standing.noticeDays == [2, 5] && standing.suspendAfterDays == 20)
        #expect(standing.cancelAfterDays == 60 && standing.trialDays == 0)
        #expect(standing.minimumDwellHours == 24)
    }

    @Test(arguments: [
        (#"{"notice": []}"#, "metering.dunning.notice is unknown"),
        (#"{"notices": [1, 1]}"#, "notices.1 is 1, not after the day before it"),
        (#"{"notices": [0]}"#, "notices.0 is 0: write 1 to 3650"),
        (#"{"notices": [60]}"#, "notices has day 60, not before the cancellation on day 60"),
        (#"{"notices": "1"}"#, "notices is a string, not a list"),
        (#"{"notices": [1.5]}"#, "notices.0 is 1.5"),
        (#"{"suspend_after_days": 60}"#, "is 60, not before the cancellation on day 60"),
        (#"{"cancel_after_days": 10}"#, "is 14, not before the cancellation on day 10"),
        (#"{"cancel_after_days": 3651}"#, "cancel_after_days is 3651: write 1 to 3650"),
        (#"{"trial_days": -1}"#, "trial_days is -1"),
        (#"{"minimum_dwell_hours": -1}"#, "minimum_dwell_hours is -1"), ("[]", "not an object"),
    ])
    func `are refused with the place and the remedy`(json: String, says: String) {
        #expect {
            try PlanTerms(json: "{\"dunning\": \(json)}")
        } throws: {
            "\($0)".contains(says)
        }
    }
}
