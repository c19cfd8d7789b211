import Foundation
import TestSupport
import Testing

/// `scripts/require-packages` as root, on a directory that stands for a Debian: what the packages bring must not run
/// and must not be enabled, also when the script is killed.
@Suite(.timed) struct `Packages that are installed` {
    @Test func `leave enabled what was enabled before, and nothing else`() async throws {
        try await FakeDebian.lend { debian in
            let run = try await debian.requirePackages().run()
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(run.errors.contains("apt-get install -y --no-install-recommends "))
            #expect(debian.enabled == ["nginx.service"])
            #expect(debian.masked == [])
            // While apt ran: the two that were not there before, and no service may start.
            #expect(
                debian.during == [
                    "create_main_cluster = false", "masked fresh.service", "masked fresh.timer",
                    "policy exit 101",
                ])
            #expect(!debian.has("usr/sbin/policy-rc.d"))
            #expect(!debian.has("var/lib/metering-worker-packages"))
        }
    }

    @Test func `leave a policy and the settings of PostgreSQL's clusters as they are`() async throws
    {
        try await FakeDebian.lend { debian in
            try debian.write("# mine\n", to: "usr/sbin/policy-rc.d")
            let settings = "create_main_cluster = true\nssl = on\n"
            try debian.write(settings, to: "etc/postgresql-common/createcluster.conf")
            #expect(try await debian.requirePackages().run().ending == .exited(0))
            #expect(debian.during.contains("create_main_cluster = false"))
            #expect(debian.during.contains("policy # mine"))
            #expect(debian.text("usr/sbin/policy-rc.d") == "# mine\n")
            #expect(debian.text("etc/postgresql-common/createcluster.conf") == settings)
        }
    }

    @Test func `touch no settings of clusters where PostgreSQL is already`() async throws {
        try await FakeDebian.lend { debian in
            try debian.write("", to: "usr/lib/postgresql/14/bin/postgres")
            #expect(try await debian.requirePackages().run().ending == .exited(0))
            #expect(!debian.during.contains("create_main_cluster = false"))
        }
    }

    @Test func `are disabled by a run that is told to end while apt works`() async throws {
        try await FakeDebian.lend { debian in
            try debian.write("", to: "hold")
            let process = try await debian.requirePackages().start()
            try await waitUntil("apt works") { debian.has("holding") }
            process.send(SIGTERM)
            try debian.remove("hold")
            #expect(try await process.waitForEnd() == .exited(143))
            #expect(debian.enabled == ["nginx.service"])
            #expect(debian.masked == [])
            #expect(!debian.has("usr/sbin/policy-rc.d"))
        }
    }

    @Test func `cannot start after a run that is killed, and are disabled by the next one`()
        async throws
    {
        try await FakeDebian.lend { debian in
            try debian.write("", to: "hold")
            let process = try await debian.requirePackages().start()
            try await waitUntil("apt works") { debian.has("holding") }
            process.send(SIGKILL)
            #expect(try await process.waitForEnd() == .signalled(SIGKILL))
            // The next one does not take the hold away while apt works.
            let early = try await debian.requirePackages().run()
            #expect(early.ending == .exited(1))
            #expect(early.errors.contains("dpkg --configure -a"))
            try debian.remove("hold")
            #expect(debian.masked == ["fresh.service", "fresh.timer"])
            #expect(debian.has("usr/sbin/policy-rc.d"))
            try await waitUntil("apt has ended") { debian.has("done") }

            #expect(try await debian.requirePackages().run().ending == .exited(0))
            #expect(debian.enabled == ["nginx.service"])
            #expect(debian.masked == [])
            #expect(!debian.has("usr/sbin/policy-rc.d"))
        }
    }

    /// Apt does not hold dpkg's lock all the time, so that lock does not keep a second run away.
    @Test func `stay held for one run while another one starts, which waits and says so`()
        async throws
    {
        try await FakeDebian.lend { debian in
            try debian.write("", to: "pause")
            let first = try await debian.requirePackages().start()
            try await waitUntil("apt works") { debian.has("holding") }
            let second = try await debian.requirePackages().start()
            _ = try await second.line(containing: "another run of require-packages")
            #expect(debian.masked == ["fresh.service", "fresh.timer"])
            #expect(debian.has("usr/sbin/policy-rc.d"))
            try debian.remove("pause")
            #expect(try await first.waitForEnd() == .exited(0), "\(first.errors)")
            #expect(try await second.waitForEnd() == .exited(0), "\(second.errors)")
            #expect(debian.enabled == ["nginx.service"])
            #expect(debian.masked == [])
            #expect(!debian.has("usr/sbin/policy-rc.d"))
        }
    }

    @Test func `are left alone by a run that waited for another one for ten minutes`() async throws
    {
        try await FakeDebian.lend { debian in
            try debian.program(
                "flock", #"echo "$*" >>"$D/locks"; exit 1"#)
            let run = try await debian.requirePackages().run()
            #expect(run.ending == .exited(1))
            #expect(run.errors.contains("still at work after 10 minutes"), "\(run.errors)")
            #expect(debian.text("locks") == "-n 9\n-w 600 9\n")
            #expect(!debian.has("holding"))
        }
    }

    @Test func `need no flock`() async throws {
        try await FakeDebian.lend { debian in
            try debian.remove("bin/flock")
            let run = try await debian.requirePackages().run()
            #expect(run.ending == .exited(0), "\(run.errors)")
            #expect(debian.enabled == ["nginx.service"])
            #expect(debian.masked == [])
        }
    }
}
