import ArgumentParser

/// What `--format` takes where a command prints a list or one thing.
enum ListFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}
