import Metering
import TestSupport
import Testing

@testable import Quotas

@Suite(.timed) struct `Plan features` {
    @Test func `read limits, quota and storage`() throws {
        let plan = try PlanFeatures(
            json: """
                {"limits": {"default": {"rate": 20, "per": "1s", "burst": 60,
                                        "sustained": {"rate": 600, "per": "1m"}},
                            "export": {"rate": 10, "per": "1m"}},
                 "quota": {"api_calls": 500000}, "storage_bytes": 107374182400}
                """)
        #expect(plan.quota == 500_000)
        #expect(plan.storageBytes == 107_374_182_400)
        #expect(plan.limits.map(\.name) == ["default", "export"])
        let windows = plan.rateLimits
        #expect(windows.map(\.emission) == [50_000, 100_000, 6_000_000])
        #expect(windows.map(\.burst) == [60, 600, 10])
        #expect(windows[0].id.group == LimitID.defaultGroup && windows[1].id.window == 1)
    }

    @Test(arguments: [nil, "{}", #"{"quota": null}"#, #"{"quota": {"api_calls": -1}}"#])
    func `limit nothing when they say nothing`(json: String?) throws {
        #expect(try PlanFeatures(json: json) == .unlimited)
    }

    @Test(arguments: [
        (#"{"limit": {}}"#, "metering.limit is unknown"),
        (
            #"{"limits": {"default": {"rate": 0, "per": "1s"}}}"#,
            "metering.limits.default.rate is 0"
        ),
        (#"{"limits": {"default": {"rate": 1}}}"#, "metering.limits.default.per is missing"),
        (
            #"{"limits": {"patients": {"rate": 1, "per": "1s"}}}"#,
            "metering.limits.patients has a name that the database's own limits have"
        ),
        (
            #"{"limits": {"default": {"rate": 1, "per": "60"}}}"#,
            #"metering.limits.default.per is "60""#
        ),
        (
            #"{"limits": {"default": {"rate": "1", "per": "1s"}}}"#,
            "metering.limits.default.rate is a string, not a whole number"
        ),
        (
            #"{"limits": {"default": {"rate": 1, "per": "1s", "bursts": 2}}}"#,
            "metering.limits.default.bursts is unknown"
        ),
        (
            #"{"limits": {"De fault": {"rate": 1, "per": "1s"}}}"#,
            "metering.limits.De fault is not a name"
        ),
        (
            #"{"limits": {"default": {"rate": 1, "per": "1d", "burst": 1000000000}}}"#,
            "takes more than four years"
        ),
        (
            #"{"limits": {"a": {"rate": 1, "per": "1s", "shadow": 1}}}"#,
            "metering.limits.a.shadow is a number: write true or false"
        ),
        (#"{"quota": {"shadow": "yes"}}"#, "metering.quota.shadow is a string"),
        (#"{"quota": {"api_calls": -2}}"#, "metering.quota.api_calls is -2"),
        (#"{"quota": {"api_calls": 1.5}}"#, "metering.quota.api_calls is 1.5"),
        (#"{"quota": {"api_calls": 1e3}}"#, "metering.quota.api_calls is 1e3"),
        (
            #"{"quota": {"api_calls": 1, "api_calls": 2}}"#,
            "metering.quota.api_calls is named twice"
        ),
        (#"{"storage_bytes": 1, "storage_bytes": 1}"#, "metering.storage_bytes is named twice"),
        (#"{"storage_bytes": 99999999999999999}"#, "metering.storage_bytes is 99999999999999999"),
        ("[]", "metering"), ("{", "metering is not readable"),
    ])
    func `are refused with the place and the remedy`(json: String, says: String) {
        #expect {
            try PlanFeatures(json: json)
        } throws: { error in
            "\(error)".contains(says)
        }
    }

    @Test func `pass over what belongs to prices and standing`() throws {
        let json = #"{"billing": {"currency": "?"}, "dunning": 7, "quota": {"api_calls": 3}}"#
        #expect(try PlanFeatures(json: json).quota == 3)
    }

    @Test func `are at most 16 KiB`() {
        let blanks = String(repeating: " ", count: 16_383)
        #expect(throws: PlanError.self) { try PlanFeatures(json: "{}" + blanks) }
    }

    @Test func `have at most eight windows`() throws {
        let limits = (1...9).map { #""limit\#($0)": {"rate": 1, "per": "1s"}"# }
        let error = #expect(throws: PlanError.self) {
            try PlanFeatures(json: "{\"limits\": {\(limits.joined(separator: ","))}}")
        }
        #expect(error?.description == "metering.limits has 9 windows; a plan has at most 8")
        let most = try PlanFeatures(
            json: "{\"limits\": {\(limits.dropLast().joined(separator: ","))}}")
        #expect(most.rateLimits.count == 8)
    }

    @Test func `put limits and the quota in shadow`() throws {
        let plan = try PlanFeatures(
            json: """
                {"limits": {"a": {"rate": 1, "per": "1s"},
                            "b": {"rate": 1, "per": "1s", "shadow": true,
                                  "sustained": {"rate": 9, "per": "1m"}},
                            "c": {"rate": 1, "per": "1s", "shadow": false}},
                 "quota": {"api_calls": 3, "shadow": true}}
                """)
        #expect(plan.limits.map(\.isInShadow) == [false, true, false] && plan.isQuotaInShadow)
        let switched = plan.with([
            try #require(Self.override("shadow:limit:b", "off")),
            try #require(Self.override("shadow:limit:c", "on")),
            try #require(Self.override("shadow:limit:d", "on")),
            try #require(Self.override("shadow:quota", "off")),
        ])
        #expect(switched.limits.map(\.isInShadow) == [false, false, true])
        #expect(!switched.isQuotaInShadow)
        let month = try #require(Month("2026-11"))
        let settings = ClinicTerms(
            version: 1, plan: plan, access: .open, month: month, ledger: [:], adjustments: 0)
        let shadow = settings.counterTerms(outside: .none).shadow
        #expect(shadow == Shadow(limits: 0b0110, nextLimits: 0, quota: true))
    }

    private static func override(_ what: String, _ value: String) -> ClinicOverride? {
        guard let what = ClinicOverride.What(what), let value = ClinicOverride.Value(value) else {
            return nil
        }
        return ClinicOverride(what, value)
    }

    @Test(arguments: [
        ("shadow:limit:b", "1"), ("shadow:quota", "5/1s"), ("quota", "on"), ("limit:b", "off"),
        ("shadow:limit:", "on"), ("shadow:users", "on"),
    ])
    func `take no other word for a shadow`(what: String, value: String) {
        #expect(Self.override(what, value) == nil)
    }
}
