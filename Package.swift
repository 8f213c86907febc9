// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target of ours compiles under the same rules: a warning is an error, and whatever
/// the compiler cannot prove memory safe is spelled `unsafe` where it happens.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Tests may reach into raw pointers without ceremony.
let relaxed: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func library(
    _ name: String,
    _ dependencies: [Target.Dependency],
    migrations: Bool = false
) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        resources: migrations ? [.embedInCode("Migrations")] : [],
        swiftSettings: strict
    )
}

/// A service: the rooms are Routes, Domain, Store, Consumers, Migrations.
///
/// A new one is one line below.
func service(
    _ name: String,
    migrations: Bool = true,
    also dependencies: [Target.Dependency] = [],
    resources: [Resource] = []
) -> Target {
    .executableTarget(
        name: name,
        dependencies: [
            "Reactor", "HTTP", "Postgres", "Telemetry", "Mesh", "Messaging", "Contracts",
            "ServiceKit",
        ] + dependencies,
        resources: (migrations ? [.embedInCode("Migrations")] : []) + resources,
        swiftSettings: strict
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: relaxed)
}

/// Set by `make fuzz`.
let isFuzzing = Context.environment["ANYWAY_FUZZ"] != nil

let package = Package(
    name: "anyway",
    products: [
        .executable(name: "gateway", targets: ["Gateway"]),
        .executable(name: "user", targets: ["UserService"]),
        .executable(name: "product", targets: ["ProductService"]),
        .executable(name: "order", targets: ["OrderService"]),
        .executable(name: "payment", targets: ["PaymentService"]),
        .executable(name: "notification", targets: ["NotificationService"]),
        .executable(name: "provider", targets: ["PaymentProvider"]),
        .executable(name: "stack", targets: ["Stack"]),
        .executable(name: "load", targets: ["Load"]),
        // Preloaded by `stack crash` into processes that it breaks; nothing links against it.
        .library(name: "CrashPoints", type: .dynamic, targets: ["CrashPoints"]),
    ],
    targets: [
        // System libraries: what the platform is not about.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(
            name: "CPostgres",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CYajl", pkgConfig: "yajl", providers: [.apt(["libyajl-dev"])]),

        // C, because it runs before main: OpenSSL is to stay when a process ends.
        .target(name: "OpenSSLStart", dependencies: ["COpenSSL"]),

        // Libraries, lowest first. Arrows point down.
        library("Reactor", ["CLinux", "COpenSSL", "OpenSSLStart"]),
        library("HTTP", ["Reactor", "CZlib", "CYajl"]),
        library("Postgres", ["Reactor", "CPostgres"]),
        library("Telemetry", ["Reactor"]),
        library("Identity", ["COpenSSL", "OpenSSLStart"]),
        library("Contracts", []),
        library("Journaling", ["Reactor", "CZlib"]),
        // Starting other programs.
        library("Launching", ["CLinux"]),
        // What clients saw: written by Load, judged by Stack.
        library("Witness", []),
        library("Mesh", ["Reactor", "HTTP", "Telemetry"]),
        library(
            "Messaging",
            ["Reactor", "HTTP", "Postgres", "Telemetry", "Mesh", "Contracts"],
            migrations: true
        ),
        library(
            "Sagas",
            ["Reactor", "HTTP", "Postgres", "Telemetry", "Messaging"],
            migrations: true
        ),
        library(
            "ServiceKit",
            ["Reactor", "HTTP", "Postgres", "Telemetry", "Mesh", "Messaging", "Contracts"]
        ),

        // Services. A service never imports a service.
        service("UserService", also: ["Identity"]),
        service("ProductService", resources: [.embedInCode("Catalog")]),
        service("OrderService", also: ["Sagas", "Identity", "Journaling"]),
        service("PaymentService", also: ["Identity"]),
        service("NotificationService"),
        service("PaymentProvider", also: ["Identity"]),

        // Tools and the front door.
        .executableTarget(
            name: "Gateway",
            dependencies: [
                "Reactor", "HTTP", "Telemetry", "Mesh", "Identity", "Contracts", "ServiceKit",
            ],
            path: "gateway",
            resources: [.embedInCode("routes.json")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Stack",
            dependencies: ["Identity", "CLinux", "Launching", "Witness"],
            swiftSettings: strict
        ),
        // C, because it stands in for libc's own functions in other processes.
        .target(name: "CrashPoints"),
        // What `make bench-http` measures against nginx; no product, it is never shipped.
        .executableTarget(
            name: "HTTPBench",
            dependencies: ["Reactor", "HTTP", "ServiceKit", "Telemetry"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Load",
            dependencies: [
                "Reactor", "HTTP", "Identity", "Contracts", "CZlib", "Launching", "Witness",
            ],
            path: "load",
            swiftSettings: strict
        ),

        // Tests mirror the targets.
        tests("ReactorTests", ["Reactor", "Identity", "COpenSSL"]),
        .testTarget(
            name: "HTTPTests",
            dependencies: ["HTTP", "Reactor"],
            exclude: isFuzzing ? ["FuzzInputs", "Invariants"] : ["FuzzInputs"],
            swiftSettings: relaxed
        ),
        tests("PostgresTests", ["Postgres", "Reactor", "PostgresHarness"]),
        tests("TelemetryTests", ["Telemetry"]),
        tests("IdentityTests", ["Identity"]),
        tests("MeshTests", ["Mesh", "HTTP", "Reactor", "Telemetry", "Identity"]),
        tests(
            "GatewayTests",
            [
                "Gateway", "Mesh", "HTTP", "Reactor", "Telemetry", "Identity", "Contracts",
            ]
        ),
        tests("ContractsTests", ["Contracts"]),
        tests("JournalingTests", ["Journaling", "Reactor"]),
        tests(
            "MessagingTests",
            ["Messaging", "HTTP", "Mesh", "Postgres", "Reactor", "Telemetry", "PostgresHarness"]
        ),
        tests(
            "SagasTests",
            ["Sagas", "Simulate", "Postgres", "PostgresHarness", "Reactor", "Telemetry"]
        ),
        tests(
            "ServiceTests",
            [
                "UserService", "ProductService", "OrderService", "PaymentService",
                "NotificationService", "PaymentProvider", "Gateway", "Contracts", "HTTP", "Sagas",
                "Identity", "Journaling", "Mesh", "Messaging", "Postgres", "PostgresHarness",
                "Reactor",
                "ServiceKit",
                "Telemetry",
            ]
        ),
        tests(
            "ServiceKitTests",
            [
                "Contracts", "HTTP", "Identity", "Mesh", "Reactor", "ServiceKit", "Telemetry",
            ]
        ),
        tests("LoadTests", ["Load", "Contracts", "HTTP", "Launching", "Reactor", "Witness"]),
        tests("StackTests", ["Stack", "Launching", "Witness"]),
        tests("EndToEndTests", ["Launching"]),
        tests("TidyTests", []),
        // The saga engine's decisions on a virtual clock: `make simulate`.
        .executableTarget(
            name: "Simulate",
            dependencies: ["Sagas"],
            path: "Tests/Simulate",
            swiftSettings: relaxed
        ),
        // A private PostgreSQL for suites that need a real one.
        .target(
            name: "PostgresHarness",
            dependencies: ["Reactor", "Postgres", "CLinux"],
            path: "Tests/PostgresHarness",
            swiftSettings: relaxed
        ),
    ],
    swiftLanguageModes: [.v6]
)

// LibFuzzer around what holds for any input, which HTTPTests asks as well: `make fuzz` alone builds
// it, with its own flags and folder, because it needs HTTP compiled for testing.
if isFuzzing {
    package.targets.append(
        .target(
            name: "HTTPInvariants",
            dependencies: ["HTTP"],
            path: "Tests/HTTPTests/Invariants",
            swiftSettings: relaxed
        )
    )
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: ["HTTPInvariants"],
            path: "Tests/Fuzz",
            swiftSettings: relaxed
        )
    )
}

// Our server for strangers to talk to: `make interop` builds it.
if Context.environment["ANYWAY_INTEROP"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Interop",
            dependencies: ["HTTP", "Reactor"],
            path: "Tests/Interop",
            swiftSettings: relaxed
        )
    )
}
