import ArgumentParser

/// The clinic that a fact is about.
struct FactSubject: ParsableArguments {
    @Argument(help: ArgumentHelp("The clinic.", valueName: "id|subdomain"))
    var clinic: String
}
