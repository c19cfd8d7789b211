import Ledger
import Postgres

/// Sends a notification over one connection and waits for it on another.
enum ListenProbe {
    /// Only doctor listens on this channel, so no worker wakes up.
    private static let channel = "metering_doctor"

    static func run(
        _ address: PostgresConfiguration, saying ledger: Ledger?, within patience: Duration
    ) async -> ListenFacts {
        let listener = PostgresListener(
            configuration: address, channels: [channel], logger: Doctor.silentLogger)
        let word = String(UInt64.random(in: .min ... .max), radix: 16)
        return await withTaskGroup(of: ListenFacts?.self) { group in
            group.addTask {
                await listener.run()
                return nil
            }
            group.addTask { await wait(for: word, from: listener, saying: ledger) }
            group.addTask {
                try? await Task.sleep(for: patience)
                return .silent
            }
            for await facts in group {
                guard let facts else { continue }
                group.cancelAll()
                return facts
            }
            return .silent
        }
    }

    private static func wait(
        for word: String, from listener: PostgresListener, saying ledger: Ledger?
    ) async -> ListenFacts {
        for await event in listener.events {
            switch event {
            case .listening:
                guard let ledger, (try? await ledger.operations.notify(channel, word)) != nil else {
                    return .unproven
                }
            case .notifications(let received) where received.contains { $0.payload == word }:
                return .notified
            case .notifications, .overflow: continue
            case .lost(let error): return .unreachable("\(error)")
            }
        }
        return .silent
    }
}
