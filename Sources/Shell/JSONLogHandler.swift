import FoundationEssentials
public import Logging

/// Writes each line of the log to stderr as one JSON object.
public struct JSONLogHandler: LogHandler {
    private let label: String
    public var logLevel = Logger.Level.info
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?

    public init(label: String) { self.label = label }

    public subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var all = metadata
        all.merge(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        Console.writeLine(
            LogRecord(
                time: Date(), level: event.level, label: label,
                message: event.message.description, metadata: all
            ).text)
    }
}
