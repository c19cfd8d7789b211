import Foundation
import TestSupport

/// A directory that stands for a Debian under systemd, with programs that do to it what Debian's do to a system.
struct FakeDebian: Sendable {
    private let directory: TemporaryDirectory

    static func lend(_ body: (FakeDebian) async throws -> Void) async throws {
        let debian = FakeDebian(directory: try TemporaryDirectory("a Debian"))
        defer { debian.directory.remove() }
        try debian.build()
        try await body(debian)
    }

    /// Knows nginx, which is enabled. The packages bring it too, and two units that it does not know.
    private func build() throws {
        try FileManager.default.createDirectory(
            atPath: path("run/systemd/system"), withIntermediateDirectories: true)
        try write("", to: "tmp/empty")
        try write("", to: "lib/systemd/system/nginx.service")
        try write("", to: "etc/systemd/system/multi-user.target.wants/nginx.service")
        try program("swift", "echo 'Swift version 6.3.1'")
        try program("id", "echo 0")
        try program("update-rc.d", "exit 0")
        try program("systemctl", "exit 0")
        try program("dpkg", #"if [ -e "$D/hold" ]; then exit 2; fi"#)
        try program("dpkg-deb", contents)
        try program("deb-systemd-helper", #"rm -f "$D"/etc/systemd/system/*.wants/"$2""#)
        try program("apt-get", apt)
        for name in [
            "cat", "chmod", "cp", "flock", "head", "ln", "ls", "mkdir", "mktemp", "mv", "rm", "sed",
            "sleep",
            "sort", "touch",
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: path("bin/\(name)"), withDestinationPath: "/usr/bin/\(name)")
        }
    }

    private var contents: String {
        ["nginx.service", "fresh.service", "fresh.timer", "fresh@.service"].map {
            "echo '-rw-r--r-- root/root 9 2026-01-01 00:00 ./lib/systemd/system/\($0)'"
        }.joined(separator: "\n")
    }

    /// Enables the units when it installs them first, and waits as long as there is a file `hold`
    /// or `pause`. During `hold` dpkg refuses to work.
    private let apt = """
        for word in "$@"; do
            case $word in Dir::Cache::archives=*) archives=${word#*=} ;; esac
        done
        case " $* " in
            *" update "*) exit 0 ;;
            *" --download-only "*) touch "$archives/all.deb"; exit 0 ;;
        esac
        {
            cat "$D/etc/postgresql-common/createcluster.conf" 2>/dev/null | sed '/ssl/d'
            for unit in "$D"/run/systemd/system/*; do
                if [ -L "$unit" ]; then echo "masked ${unit##*/}"; fi
            done
            sed '/^#!/d; s/^/policy /' "$D/usr/sbin/policy-rc.d"
        } >"$D/during"
        touch "$D/holding"
        while [ -e "$D/hold" ] || [ -e "$D/pause" ]; do sleep 0.02; done
        for unit in fresh.service fresh.timer; do
            if [ -e "$D/lib/systemd/system/$unit" ]; then continue; fi
            touch "$D/lib/systemd/system/$unit" "$D/etc/systemd/system/multi-user.target.wants/$unit"
        done
        touch "$D/done"
        """

    // MARK: What is in it

    func path(_ name: String) -> String { "\(directory.path)/\(name)" }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    func text(_ name: String) -> String {
        (try? String(contentsOfFile: path(name), encoding: .utf8)) ?? ""
    }

    func write(_ text: String, to name: String) throws {
        let parent = path(name).split(separator: "/").dropLast().joined(separator: "/")
        try FileManager.default.createDirectory(
            atPath: "/\(parent)", withIntermediateDirectories: true)
        try text.write(toFile: path(name), atomically: true, encoding: .utf8)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

    /// Units that start at boot.
    var enabled: [String] { list("etc/systemd/system/multi-user.target.wants") }

    /// Units that cannot be started until the next boot.
    var masked: [String] { list("run/systemd/system") }

    /// What apt found when it began to install.
    var during: [String] { text("during").split(separator: "\n").map(String.init) }

    private func list(_ name: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()) ?? []
    }

    /// Puts a program of this system in the place of another one.
    func program(_ name: String, _ body: String) throws {
        if has("bin/\(name)") { try remove("bin/\(name)") }
        try write("#!/bin/sh\nD='\(directory.path)'\n\(body)\n", to: "bin/\(name)")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: path("bin/\(name)"))
    }

    // MARK: The script

    /// `scripts/require-packages demo` as root of this Debian, with nobody at a terminal.
    func requirePackages() -> Call { Call(debian: self) }

    struct Call {
        let debian: FakeDebian

        func start() async throws -> RunningProcess {
            // `env`, because the call itself needs the programs of the machine.
            try await RunningProcess.start(
                "/usr/bin/env",
                [
                    "-u", "CI", "-u", "YES", "PATH=\(debian.path("bin"))",
                    "PACKAGES_ROOT=\(debian.directory.path)", "TMPDIR=\(debian.path("tmp"))",
                    "/bin/sh", "\(ProjectRoot.path)/scripts/require-packages", "demo",
                ])
        }

        func run() async throws -> (ending: RunningProcess.Ending, errors: String) {
            let process = try await start()
            let ending = try await process.waitForEnd()
            return (ending, process.errors)
        }
    }
}
