import DatabaseSupport
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite(.timed) struct `Postgres pool` {
    @Test func `serves those who wait in the order of their arrival`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        let holder = try await Holder(pool)
        let order = Order()
        try await withThrowingTaskGroup { group in
            for number in 0..<10 {
                group.addTask {
                    try await pool.withConnection { _ in order.add(number) }
                }
                try await waitUntil("\(number + 1) wait") { pool.waiterCount == number + 1 }
            }
            holder.letGo()
            try await group.waitForAll()
        }
        #expect(order.numbers == Array(0..<10))
        await pool.close()
    }

    @Test func `refuses one waiter too many, and a waiter whose time is up`() async throws {
        let pool = try await TestDatabase.empty().pool {
            $0.poolSize = 1
            $0.waitersMax = 1
            $0.waitTimeout = .seconds(3)
        }
        let holder = try await Holder(pool)
        let waiting = Task { try await pool.execute(sql("SELECT 1")) }
        try await waitUntil("one waits") { pool.waiterCount == 1 }
        #expect(
            try await failure { try await pool.execute(sql("SELECT 1")) }
                == .poolExhausted(waited: .zero))
        #expect(
            try await failure { _ = try await waiting.value }
                == .poolExhausted(waited: .seconds(3)))
        holder.letGo()
        try await holder.ended()
        #expect(try await pool.query(sql("SELECT 1")).count == 1)
        await pool.close()
    }

    @Test func `forgets a waiter that is cancelled and gives its turn to the next`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        let holder = try await Holder(pool)
        let first = Task { try await pool.execute(sql("SELECT 1")) }
        try await waitUntil("one waits") { pool.waiterCount == 1 }
        let second = Task { try await pool.query(sql("SELECT 1")).count }
        try await waitUntil("two wait") { pool.waiterCount == 2 }
        first.cancel()
        #expect(try await failure { _ = try await first.value } == .cancelled)
        #expect(pool.waiterCount == 1)
        holder.letGo()
        #expect(try await second.value == 1)
        await pool.close()
    }

    @Test func `survives a storm of calls, half of them cancelled, without losing a connection`()
        async throws
    {
        let pool = try await TestDatabase.empty().pool {
            $0.poolSize = 3
            $0.waitersMax = 1_000
        }
        var random = SplitMix64(seed: Seed.current("storm"))
        let answered = Counter()
        await withTaskGroup { group in
            for number in 0..<300 {
                let pause = Int.random(in: 0...20, using: &random)
                group.addTask {
                    let call = Task {
                        try await pool.execute(sql("SELECT pg_sleep(0.002)"))
                        answered.next()
                    }
                    if number.isMultiple(of: 2) {
                        try? await Task.sleep(for: .milliseconds(pause))
                        call.cancel()
                    }
                    try? await call.value
                }
            }
        }
        #expect(answered.count >= 150)
        #expect(pool.waiterCount == 0)
        try await withThrowingTaskGroup { group in
            let here = Counter()
            let gate = Gate()
            for _ in 0..<3 {
                group.addTask {
                    try await pool.withConnection { _ in
                        if here.next() == 3 {
                            gate.open()
                        }
                        await gate.passed()
                    }
                }
            }
            try await group.waitForAll()
        }
        await pool.close()
    }

    @Test func `replaces a connection that the server ended while it was idle`() async throws {
        let database = try await TestDatabase.empty()
        let pool = try database.pool { $0.poolSize = 1 }
        let pid = try await pool.withConnection { $0.backendPID }
        let other = try database.pool()
        try await other.execute(
            sql("SELECT pg_terminate_backend($1::int, 10000)"), [.int64(Int64(pid))])
        let rows = try await pool.query(sql("SELECT pg_backend_pid() pid"))
        #expect(try rows.first?.int64("pid") != Int64(pid))
        await pool.close()
        await other.close()
    }

    @Test func `closes a connection that comes back in a transaction or too old`() async throws {
        let database = try await TestDatabase.empty()
        let pool = try database.pool { $0.poolSize = 1 }
        let pid = try await pool.withConnection { connection in
            try await connection.script("BEGIN")
            return connection.backendPID
        }
        #expect(try await pool.withConnection { $0.backendPID } != pid)
        await pool.close()

        let hasty = try database.pool {
            $0.poolSize = 1
            $0.connectionLifetime = .zero
        }
        let first = try await hasty.withConnection { $0.backendPID }
        #expect(try await hasty.withConnection { $0.backendPID } != first)
        await hasty.close()
    }

    @Test func `closes when the last call has come back, and takes no new ones`() async throws {
        let pool = try await TestDatabase.empty().pool { $0.poolSize = 1 }
        let holder = try await Holder(pool)
        let waiting = Task { try await pool.execute(sql("SELECT 1")) }
        try await waitUntil("one waits") { pool.waiterCount == 1 }
        let closing = Task { await pool.close() }
        #expect(try await failure { _ = try await waiting.value } == .closed)
        #expect(try await failure { try await pool.execute(sql("SELECT 1")) } == .closed)
        holder.letGo()
        await closing.value
        #expect(pool.openCount == 0)
    }

    @Test func `does not let two tasks use one connection at once`() async throws {
        let pool = try await TestDatabase.empty().pool()
        try await pool.withConnection { connection in
            var rows = connection.stream(sql("SELECT generate_series(1, 3) n")).makeAsyncIterator()
            #expect(try await rows.next()?.int64("n") == 1)
            let error = try await failure { _ = try await connection.query(sql("SELECT 1")) }
            #expect(error == .connectionBusy)
            #expect(try await rows.next()?.int64("n") == 2)
            #expect(try await rows.next()?.int64("n") == 3)
            #expect(try await rows.next() == nil)
            #expect(try await connection.query(sql("SELECT 1")).count == 1)
        }
        await pool.close()
    }
}

/// Keeps a connection of a pool until it is told to let go.
struct Holder {
    private let gate = Gate()
    private let task: Task<Void, any Error>

    init(_ pool: PostgresPool) async throws {
        let (gate, held) = (gate, Gate())
        task = Task {
            try await pool.withConnection { _ in
                held.open()
                await gate.passed()
            }
        }
        await held.passed()
    }

    func letGo() { gate.open() }
    func ended() async throws { try await task.value }
}

/// The numbers that came, in the order of their coming.
final class Order: Sendable {
    private let list = Mutex<[Int]>([])

    var numbers: [Int] { list.withLock { $0 } }
    func add(_ number: Int) { list.withLock { $0.append(number) } }
}
