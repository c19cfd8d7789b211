/// Our triggers in groups, in the order in which they are made: what counting writes fires triggers
/// of schema metering.
///
/// The triggers of a group are made in one transaction, which then takes their tables over
/// (`Functions/take_over.sql`), so no row is written that neither saw.
enum TriggerGroup: String, CaseIterable {
    /// On tables of schema metering.
    case metering
    /// On users, clinic_staff, patients and file_storage.
    case counts
    /// On clinics, subscription_plans and clinic_subscriptions.
    case terms
    /// On api_usage.
    case usage
}

/// A table whose triggers differ from this program's, and the statement that corrects them.
struct TriggerDifference: Hashable {
    let group: TriggerGroup
    /// The table with its schema.
    let place: String
    /// False for a table that a pending migration makes.
    let isThere: Bool
    let statement: String
    /// The names of those that differ, with commas between.
    let triggers: String
    /// The names of those that did not run.
    let missed: [String]
    /// The names of those in whose place is a trigger of the team.
    let taken: [String]
    /// A partition that has none of its triggers yet.
    let isNew: Bool
    /// The statement that gives the login the right to correct them; nil where it has it.
    let remedy: String?
}
