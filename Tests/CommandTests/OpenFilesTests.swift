import TestSupport
import Testing

@testable import MeteringWorker

@Suite(.timed) struct `Open files` {
    @Test func `are shared out between the worker and its callers`() throws {
        let own = OpenFiles.own(loops: 2, databaseConnections: 4, adminConnections: 64)
        #expect(own == 152)
        #expect(try OpenFiles(most: 1_024, own: own).connections(wanted: 10_000) == 872)
        #expect(try OpenFiles(most: 1_024, own: own).connections(wanted: 872) == 872)
        #expect(try OpenFiles(most: 1_024, own: own).connections(wanted: 10) == 10)
        #expect(try OpenFiles(most: 153, own: own).connections(wanted: 10) == 1)
        #expect(try OpenFiles(most: .max, own: own).connections(wanted: 1_000_000) == 1_000_000)
        for most in [0, 1, 151, 152] {
            #expect(throws: StartError.self) {
                try OpenFiles(most: most, own: own).connections(wanted: 1)
            }
        }
    }

    @Test func `that are raised are never fewer than before`() {
        let few = OpenFiles.raised(connections: 1, own: 1)
        let many = OpenFiles.raised(connections: few.most, own: 100)
        #expect(many.most >= few.most)
    }
}
