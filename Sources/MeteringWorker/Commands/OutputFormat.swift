import ArgumentParser

/// The format of a command's output.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case text, json
}
