// swift-tools-version: 6.2
// Layers, from the leaf to the programs. ARCHITECTURE.md draws them.
// `make build` refuses an import that this file does not declare.

import PackageDescription

/// One set of flags for every target and every build.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

extension Target.Dependency {
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asyncAlgorithms = product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
    static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
    static let logging = product(name: "Logging", package: "swift-log")
    static let mustache = product(name: "Mustache", package: "swift-mustache")
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
    static let serviceLifecycle = product(
        name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let systemPackage = product(name: "SystemPackage", package: "swift-system")
    static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
}

func module(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func program(
    _ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// What several test targets share.
func kit(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "metering-worker",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "metering-worker", targets: ["MeteringWorker"]),
        .executable(name: "billing", targets: ["BillingCLI"]),
        // What `metering-worker demo` becomes.
        .executable(name: "metering-demo", targets: ["MeteringDemo"]),
        // What an API server embeds: docs/library.md.
        .library(
            name: "Quotas",
            targets: ["Admission", "Quotas", "Counters", "Metering", "Redis", "Values"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
    ],
    targets: [
        // Leaf: values that every target may need.
        module("Values", []),

        // Drivers: each C library is imported by exactly one target.
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        // No pkgConfig: the build refuses a flag of Debian's hiredis.pc, and its header needs none.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        module("Postgres", ["Values", "CPostgres", .logging]),
        module("Redis", ["Values", "CHiredis", .nioCore, .nioPosix, .nioSSL, .logging]),

        // Domain: values in, values out.
        module("Metering", ["Values"]),
        module("Quotas", ["Metering", "Values"]),
        module("Billing", ["Metering", "Values"]),

        // What carries a check through: marks, caches, loads, the fallback. It owns the ports that the stores
        // implement.
        module("Admission", ["Quotas", "Metering", "Values"]),

        // Adapters: the only targets that know both the domain and a store.
        module(
            "Counters", ["Admission", "Quotas", "Metering", "Redis"],
            resources: [.embedInCode("Lua")]),
        module(
            "Ledger", ["Admission", "Billing", "Quotas", "Metering", "Postgres", "Values"],
            resources: [
                .embedInCode("SQL"), .embedInCode("Migrations"), .embedInCode("Functions"),
            ]),
        module(
            "Reports", ["Billing", "Metering", "Values", .mustache],
            resources: [.embedInCode("Page")]),

        // The HTTP listener of both ports; knows no clinic.
        module(
            "HTTPServer",
            [
                "Values", .logging, .nioCore, .nioHTTP1, .nioPosix, .nioSSL, .nioTLS,
                .serviceLifecycle,
            ]),

        // Support: private servers for the demo and the tests.
        module("LocalServers", [.subprocess, .systemPackage]),

        // Programs, and what they share: settings, exit codes, the streams.
        module(
            "Shell", ["Values", .argumentParser, .logging, .systemPackage]),
        program(
            "BillingCLI",
            [
                "Shell", "Ledger", "Reports", "Postgres", "Billing", "Quotas", "Metering", "Values",
                .argumentParser, .logging,
            ]),
        program(
            "MeteringWorker",
            [
                "Shell", "HTTPServer", "Ledger", "Counters", "Postgres", "Redis", "Admission",
                "Quotas", "Metering", "Values", .argumentParser, .asyncAlgorithms, .crypto,
                .logging,
                .nioCore, .nioPosix, .nioSSL, .serviceLifecycle, .systemPackage, .unixSignals,
            ], resources: [.embedInCode("Handlers/openapi.json")]),
        // A program of its own, so that the worker holds nothing that starts a database.
        program(
            "MeteringDemo",
            [
                "Shell", "Ledger", "Reports", "LocalServers", "Postgres", "Metering", "Values",
                .argumentParser, .crypto, .logging, .nioCore, .nioHTTP1, .nioPosix, .subprocess,
                .systemPackage, .unixSignals,
            ], resources: [.embedInCode("SQL")]),

        // Load for scripts/bench-library, through product Quotas as a user embeds it. No product.
        .executableTarget(
            name: "LibraryBench",
            dependencies: [
                "Admission", "Quotas", "Counters", "Metering", "Redis", .logging, .nioPosix,
            ],
            path: "Benchmarks/LibraryBench", swiftSettings: strict),
        // Built and tested with the rest; Examples/api-server/Package.swift is how others build it. No product.
        .executableTarget(
            name: "ApiServerExample",
            dependencies: [
                "Quotas", "Counters", "Metering", "Redis", .asyncHTTPClient, .httpTypes,
                .hummingbird, .logging, .nioCore, .nioHTTP1, .serviceLifecycle,
            ],
            path: "Examples/api-server/Sources",
            // As others build it: without our upcoming features.
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
        // What `make bench` compares with.
        .executableTarget(
            name: "HelloServer", dependencies: [.nioCore, .nioHTTP1, .nioPosix],
            path: "Benchmarks/HelloServer", swiftSettings: strict),

        // What tests are made with: no product, and no target of Sources uses them.
        kit("TestSupport", ["LocalServers", .logging, .subprocess, .systemPackage]),
        kit(
            "DatabaseSupport",
            ["Ledger", "Metering", "Postgres", "LocalServers", "TestSupport", .logging]),
        kit(
            "WorkerSupport",
            [
                "MeteringWorker", "Ledger", "Metering", "LocalServers", "TestSupport",
                "DatabaseSupport", .nioCore, .nioPosix, .serviceLifecycle,
            ]),

        // Tests: pure targets need no server; the others start their own through TestSupport.
        tests("HouseTests", ["TestSupport"]),
        tests("TestSupportTests", ["TestSupport"]),
        tests("ReportTests", ["Reports", "Billing", "Metering", "TestSupport", .crypto]),
        tests("BillingTests", ["Billing", "Metering", "TestSupport"]),
        tests("ValuesTests", ["Values", "TestSupport"]),
        tests("MeteringTests", ["Metering", "Values", "TestSupport"]),
        tests("MeteringDemoTests", ["MeteringDemo", "LocalServers", "TestSupport"]),
        tests(
            "HTTPServerTests",
            ["HTTPServer", "TestSupport", .logging, .nioCore, .nioEmbedded, .nioHTTP1]),
        tests("QuotaTests", ["Quotas", "Metering", "Values", "TestSupport"]),
        tests("AdmissionTests", ["Admission", "Quotas", "Metering", "Values", "TestSupport"]),
        tests(
            "CounterTests",
            [
                "Counters", "Admission", "Quotas", "Metering", "Redis", "LocalServers",
                "TestSupport", .crypto, .logging, .nioCore, .nioPosix,
            ]),
        tests(
            "LedgerTests",
            [
                "Ledger", "Billing", "Quotas", "Metering", "Postgres", "Values", "LocalServers",
                "TestSupport", "DatabaseSupport", .logging,
            ]),
        tests(
            "PostgresTests",
            ["Postgres", "Values", "LocalServers", "TestSupport", "DatabaseSupport", .logging]),
        tests("LocalServersTests", ["LocalServers", "TestSupport", .systemPackage]),
        tests(
            "RedisTests",
            ["Redis", "LocalServers", "TestSupport", .logging, .nioCore, .nioPosix, .nioSSL]),
        // The two programs, by subject.
        tests(
            "HTTPTests",
            [
                "MeteringWorker", "HTTPServer", "Ledger", "Counters", "Admission", "Quotas",
                "Metering", "Postgres", "LocalServers", "TestSupport", "DatabaseSupport",
                "WorkerSupport", .nioCore, .nioPosix, .serviceLifecycle,
            ]),
        tests(
            "JobTests",
            [
                "MeteringWorker", "Ledger", "Counters", "Admission", "Quotas", "Metering",
                "Postgres", "Redis", "Values", "LocalServers", "TestSupport", "DatabaseSupport",
                "WorkerSupport", .logging, .nioCore, .nioPosix, .systemPackage,
            ]),
        tests(
            "CommandTests",
            [
                "MeteringWorker", "BillingCLI", "Shell", "Ledger", "Metering", "Postgres", "Redis",
                "LocalServers", "TestSupport", "DatabaseSupport", "WorkerSupport", .logging,
                .nioCore, .nioPosix,
            ]),
        tests(
            "ExampleTests",
            [
                "MeteringWorker", "Shell", "Counters", "Admission", "Quotas", "Metering",
                "Postgres", "Redis", "LocalServers", "TestSupport", "DatabaseSupport",
                "WorkerSupport", .nioPosix,
            ]),
    ]
)
