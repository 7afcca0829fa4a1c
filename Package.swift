// swift-tools-version: 6.2
import PackageDescription

/// One set of compiler settings for every target.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "k3seed",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "K3Seed", targets: ["K3Seed"]),
    .executable(name: "k3seed", targets: ["K3SeedCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // The system's C libraries: module maps only.
    .systemLibrary(
      name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
    .systemLibrary(
      name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CCrypt", pkgConfig: "libxcrypt", providers: [.apt(["libcrypt-dev"]), .brew(["libxcrypt"])]),

    .systemLibrary(name: "CProcess"),

    // Rooms, each importing only those above it.
    .target(name: "Diagnostics", swiftSettings: settings),
    .target(
      name: "Host", dependencies: [.product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .target(
      name: "Page", dependencies: ["Diagnostics"], exclude: ["Embedded"], swiftSettings: settings,
      plugins: ["EmbedFilesPlugin"]),
    .target(name: "YAML", dependencies: ["CYAML", "Diagnostics"], swiftSettings: settings),
    .target(name: "Secrets", dependencies: ["CCrypt", "CSodium"], swiftSettings: settings),
    .target(name: "Inputs", dependencies: ["Diagnostics", "Secrets", "YAML"], swiftSettings: settings),
    .target(
      name: "Plan", dependencies: ["Diagnostics", "Inputs", "Secrets", "YAML"],
      // Compiled in as Pins.swift, which a test holds to it.
      exclude: ["k3seed.lock"], swiftSettings: settings),
    .target(name: "Gzip", dependencies: ["CDeflate"], swiftSettings: settings),
    .target(name: "Scripts", dependencies: ["Gzip", "Secrets"], swiftSettings: settings),
    .target(
      name: "Templates", dependencies: ["Diagnostics", "Inputs", "Scripts", "Secrets", "YAML"],
      swiftSettings: settings,
      plugins: ["EmbedFilesPlugin"]),
    .target(
      name: "UserData",
      dependencies: ["Diagnostics", "Gzip", "Inputs", "Plan", "Secrets", "Templates", "YAML"],
      swiftSettings: settings),
    .target(
      name: "Validation", dependencies: ["Diagnostics", "Inputs", "Plan", "UserData", "YAML"],
      swiftSettings: settings),
    .target(
      name: "GitOps",
      dependencies: [
        "Diagnostics", "Inputs", "Plan", "Secrets", "Templates", "UserData", "Validation", "YAML",
      ],
      swiftSettings: settings),
    .target(
      name: "Verifier",
      dependencies: [
        "Diagnostics", "Host", "Inputs", "Page", "Secrets", "UserData", "YAML",
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      exclude: ["Embedded"], swiftSettings: settings, plugins: ["EmbedFilesPlugin"]),
    .target(
      name: "Resolution", dependencies: ["Diagnostics", "Plan", "Secrets", "Verifier", "YAML"],
      swiftSettings: settings),
    .target(
      name: "K3Seed",
      dependencies: [
        "Diagnostics", "GitOps", "Inputs", "Page", "Plan", "Templates", "UserData", "Validation", "YAML",
      ],
      exclude: ["Embedded"], swiftSettings: settings, plugins: ["EmbedFilesPlugin"]),
    .target(
      name: "K3SeedCommands",
      dependencies: [
        "Diagnostics", "GitOps", "Host", "Inputs", "K3Seed", "Plan", "Resolution", "Secrets", "Templates",
        "UserData", "Validation", "Verifier", "YAML", "CProcess",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: settings),
    // Not named k3seed: its folder beside K3Seed would be the same one where case does not count.
    .executableTarget(name: "K3SeedCLI", dependencies: ["K3SeedCommands"], swiftSettings: settings),

    // templates/ becomes a Swift file of the room Templates, and the folder Embedded of another room one of its own.
    .executableTarget(
      name: "EmbedFiles",
      dependencies: ["Scripts", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .plugin(name: "EmbedFilesPlugin", capability: .buildTool(), dependencies: ["EmbedFiles"]),

    // Tests mirror the rooms.
    .target(
      name: "TestSupport",
      dependencies: [
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/TestSupport", exclude: ["browser.py"], swiftSettings: settings),
    .testTarget(
      name: "DiagnosticsTests", dependencies: ["Diagnostics", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "HostTests",
      dependencies: ["Host", "TestSupport", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .target(
      name: "FuzzReaders",
      dependencies: [
        "Diagnostics", "GitOps", "Gzip", "Inputs", "K3Seed", "Plan", "Secrets", "Templates", "UserData",
        "Validation",
        "YAML",
      ],
      path: "Tests/Fuzzing/Readers", swiftSettings: settings),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzReaders", "TestSupport"], path: "Tests/Fuzzing/Replay",
      swiftSettings: settings),
    .testTarget(
      name: "GuestTests", dependencies: ["Diagnostics", "Inputs", "Plan", "TestSupport", "UserData"],
      exclude: ["StandIns"], swiftSettings: settings),
    .testTarget(
      name: "PageTests", dependencies: ["Diagnostics", "Page", "TestSupport"], swiftSettings: settings),
    .testTarget(name: "GzipTests", dependencies: ["Gzip", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "YAMLTests", dependencies: ["Diagnostics", "TestSupport", "YAML"], exclude: ["Python"],
      swiftSettings: settings),
    .testTarget(
      name: "InputsTests", dependencies: ["Diagnostics", "Inputs", "Secrets", "TestSupport", "YAML"],
      swiftSettings: settings),
    .testTarget(name: "SecretsTests", dependencies: ["Secrets", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "PlanTests", dependencies: ["Diagnostics", "Inputs", "Plan", "Secrets", "TestSupport", "YAML"],
      swiftSettings: settings),
    .testTarget(
      name: "TemplatesTests",
      dependencies: ["Diagnostics", "Scripts", "Secrets", "Templates", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "UserDataTests",
      dependencies: [
        "Diagnostics", "Gzip", "Inputs", "Plan", "Secrets", "Templates", "TestSupport", "UserData", "YAML",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ValidationTests",
      dependencies: ["Diagnostics", "K3Seed", "Plan", "Templates", "TestSupport", "Validation"],
      exclude: ["Cases", "cloud-init-snippets.py"], swiftSettings: settings),
    .testTarget(
      name: "GitOpsTests",
      dependencies: ["Diagnostics", "GitOps", "Inputs", "Plan", "Templates", "TestSupport", "YAML"],
      exclude: ["Cases"],
      swiftSettings: settings),
    .testTarget(
      name: "VerifierTests",
      dependencies: [
        "Diagnostics", "Secrets", "TestSupport", "UserData", "Verifier", "YAML",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      exclude: ["Samples"], swiftSettings: settings),

    .testTarget(
      name: "K3SeedTests",
      dependencies: [
        "Diagnostics", "Inputs", "K3Seed", "Plan", "Templates", "TestSupport", "UserData", "Validation",
      ],
      swiftSettings: settings),

    .testTarget(
      name: "ResolutionTests", dependencies: ["Diagnostics", "Plan", "Resolution", "TestSupport"],
      swiftSettings: settings),

    // Tests of the whole, from outside.
    .testTarget(
      name: "GoldenTests",
      dependencies: ["Diagnostics", "GitOps", "Gzip", "Inputs", "K3Seed", "Plan", "TestSupport", "UserData"],
      exclude: ["Cases", "Trees"],
      swiftSettings: settings),
    .testTarget(
      name: "CommandTests", dependencies: ["K3SeedCLI", "TestSupport"], exclude: ["Locks"],
      swiftSettings: settings),
    .testTarget(
      name: "ContractTests",
      dependencies: ["Diagnostics", "Inputs", "K3Seed", "K3SeedCLI", "Plan", "TestSupport", "UserData"],
      exclude: ["Terraform", "action_runner.py", "charts.py", "envoy.py", "payloads.py"],
      swiftSettings: settings),
    .testTarget(
      name: "VMTests", dependencies: ["K3SeedCLI", "TestSupport"], path: "Tests/VM",
      exclude: ["lab", "nodes", "results.py"],
      swiftSettings: settings),
    .testTarget(
      name: "DocumentationTests",
      dependencies: ["Inputs", "K3SeedCLI", "TestSupport", "UserData", "Verifier"],
      swiftSettings: settings),
  ]
)

// `scripts/fuzz` alone builds this: libFuzzer brings the `main`.
if Context.environment["K3SEED_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzz", dependencies: ["FuzzReaders"], path: "Tests/Fuzzing/Fuzz",
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
  package.products.append(.executable(name: "Fuzz", targets: ["Fuzz"]))
}
