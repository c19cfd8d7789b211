import Values

/// A plan has the name that stands for clinics without a subscription.
struct AmbiguousNone: RequestError, CustomStringConvertible {
    let fault: RequestFault? = .refused
    let description =
        "a plan is named \"none\", so --plan none could be that plan or clinics without a "
        + "subscription: use --status none for these, and rename the plan to ask for it"
}
