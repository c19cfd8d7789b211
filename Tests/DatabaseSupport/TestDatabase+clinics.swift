package import Metering
import Postgres

extension ClinicID {
    /// The clinic that a test calls number `number`.
    package static func numbered(_ number: Int) -> ClinicID {
        ClinicID(high: 0xC11_0000_0000_4000, low: 0x8000_0000_0000_0000 | UInt64(number))
    }
}

// MARK: Making clinics, plans and subscriptions

extension TestDatabase {
    /// A new clinic, and with a plan its subscription.
    ///
    /// - Parameter metering: The key `metering` of the plan's features; nil = no subscription.
    package func clinic(_ metering: String?, status: String = "active") async throws -> ClinicID {
        let clinic = ClinicID(
            high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        try await ask(
            "INSERT INTO clinics (clinic_id, name, subdomain) VALUES ($1::text::uuid, 'Clinic', $1)",
            [.text("\(clinic)")])
        guard let metering else { return clinic }
        let plan = try await makePlan(
            "plan of \(clinic)", features: #"{"metering":\#(metering)}"#)
        try await subscribe(clinic, to: plan, status: status, until: "2099-01-01")
        return clinic
    }

    /// Several clinics, each on a plan of its own without limits.
    package func clinics(_ count: Int) async throws -> [ClinicID] {
        var clinics: [ClinicID] = []
        for _ in 0..<count { clinics.append(try await clinic("{}")) }
        return clinics
    }

    /// Makes clinics 1…`count` with a subdomain each, older than any month that a test writes down.
    package func makeClinics(_ count: Int) async throws {
        try await ask(
            """
            INSERT INTO clinics (clinic_id, name, subdomain, created_at)
            SELECT id, 'Clinic ' || place, 'clinic-' || place, '2020-01-01 00:00+00'
            FROM unnest($1::uuid[]) WITH ORDINALITY AS c (id, place)
            """, [.uuidArray((1...count).map { ClinicID.numbered($0).id })])
    }

    /// Makes a plan without features beside what is given, and returns its number.
    @discardableResult
    package func makePlan(_ name: String, features: String = "{}") async throws -> Int64 {
        let rows = try await ask(
            """
            INSERT INTO subscription_plans (name, max_users, max_patients, features)
            VALUES ($1, 10, -1, $2::jsonb) RETURNING plan_id
            """, [.text(name), .text(features)])
        return try rows[0].int64(0)
    }

    /// - Parameter end: The last day of the subscription.
    package func subscribe(
        _ clinic: ClinicID, to plan: Int64, status: String = "active",
        until end: String = "2027-01-01"
    ) async throws {
        try await ask(
            """
            INSERT INTO clinic_subscriptions (clinic_id, plan_id, start_date, end_date, payment_status)
            VALUES ($1::text::uuid, $2, '2026-01-01', $4::text::date, $3)
            """, [.text("\(clinic)"), .int64(plan), .text(status), .text(end)])
    }

    /// Replaces the key `metering` of the clinic's plan.
    package func editPlan(of clinic: ClinicID, _ metering: String) async throws {
        try await ask(
            """
            UPDATE subscription_plans SET features = jsonb_build_object('metering', $2::jsonb)
            WHERE plan_id = (SELECT plan_id FROM clinic_subscriptions WHERE clinic_id = $1::text::uuid)
            """, [.text("\(clinic)"), .text(metering)])
    }

    /// Replaces a number of the clinic's plan for a day.
    /// - Parameter number: What and how much, as SQL: `'quota', 500`.
    package func override(_ clinic: ClinicID, _ number: String) async throws {
        try await ask(
            """
            INSERT INTO metering.clinic_override (clinic_id, what, value, until, reason)
            VALUES ($1::text::uuid, \(number), now() + interval '1 day', 'test')
            """, [.text("\(clinic)")])
    }
}

// MARK: What the ledger has of a clinic

extension TestDatabase {
    /// Net units of its checkpoints, in all months and epochs.
    package func counted(_ clinic: ClinicID) async throws -> Int64 {
        try await number(
            """
            SELECT coalesce(sum(used - credited), 0)::bigint FROM metering.usage_checkpoint
            WHERE clinic_id = $1::text::uuid
            """, [.text("\(clinic)")])
    }

    /// Units that reached the ledger as adjustments.
    package func adjusted(_ clinic: ClinicID) async throws -> Int64 {
        try await number(
            """
            SELECT coalesce(sum(units), 0)::bigint FROM metering.usage_adjustment
            WHERE clinic_id = $1::text::uuid
            """, [.text("\(clinic)")])
    }

    /// Its calls in `api_usage`, in all months.
    package func billed(_ clinic: ClinicID) async throws -> Int64 {
        try await number(
            """
            SELECT coalesce(sum(api_calls), 0)::bigint FROM api_usage
            WHERE clinic_id = $1::text::uuid
            """, [.text("\(clinic)")])
    }
}
