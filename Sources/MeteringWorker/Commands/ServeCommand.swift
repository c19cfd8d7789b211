import ArgumentParser
import Logging
import ServiceLifecycle
import Shell
import UnixSignals

/// `metering-worker serve`: the HTTP API and the recurring work, until SIGTERM.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer checks over HTTP, and write usage to PostgreSQL (the default command).",
        discussion: """
            Examples:
              metering-worker serve
              HTTP_PORT=9000 metering-worker serve --config /etc/metering-worker.json

            At SIGTERM or Ctrl-C it shuts down in order: it reports not ready, answers the \
            accepted requests, writes its counts and exits with code 0. At a second SIGTERM or \
            Ctrl-C it exits at once with code 1: its counts are then in Redis and in its journal, \
            and the next start writes them to PostgreSQL.
            """)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let settings = try options.settings()
        let logger = Logger(label: "metering-worker")
        let worker = try await Worker.connect(settings, logger: logger)
        do {
            let notes = ListeningNotes(settings)
            let services = try await worker.services(signals: [.sigterm, .sigint]) { port in
                notes.listens(port: port)
            } onAdminListening: { port in
                notes.listensForAdmin(port: port)
            }
            let impatience = SecondSignal.watch()
            defer { impatience.cancel() }
            try await services.run()
        } catch {
            await worker.disconnect()
            throw StartError(listening: settings.http, error) ?? error
        }
        await worker.disconnect()
        let unfinished = worker.shutdownFailures.failures
        guard unfinished.isEmpty else { throw UnfinishedEnd(parts: unfinished) }
        Console.note("metering-worker: stopped")
    }
}
