import ArgumentParser

/// How a command prints what people or programs read.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case text, json
}
