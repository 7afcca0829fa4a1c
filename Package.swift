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
  products: [],
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
    .systemLibrary(
      name: "CCrypt", pkgConfig: "libxcrypt", providers: [.apt(["libcrypt-dev"]), .brew(["libxcrypt"])]),

    // Rooms, each importing only those above it.
    .target(name: "Diagnostics", swiftSettings: settings),
    .target(name: "YAML", dependencies: ["CYAML", "Diagnostics"], swiftSettings: settings),
    .target(name: "Secrets", dependencies: ["CCrypt", "CSodium"], swiftSettings: settings),
    .target(name: "Inputs", dependencies: ["Diagnostics", "Secrets", "YAML"], swiftSettings: settings),
    .target(
      name: "Plan", dependencies: ["Diagnostics", "Inputs", "Secrets", "YAML"], swiftSettings: settings),
    .target(
      name: "Templates", dependencies: ["Diagnostics", "Secrets", "YAML"], swiftSettings: settings,
      plugins: ["EmbedTemplatesPlugin"]),

    // templates/ becomes a Swift file of the room Templates.
    .executableTarget(
      name: "EmbedTemplates", dependencies: [.product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: settings),
    .plugin(name: "EmbedTemplatesPlugin", capability: .buildTool(), dependencies: ["EmbedTemplates"]),

    // Tests mirror the rooms.
    .target(
      name: "TestSupport",
      dependencies: [
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/TestSupport", swiftSettings: settings),
    .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics"], swiftSettings: settings),
    .testTarget(name: "SecretsTests", dependencies: ["Secrets", "TestSupport"], swiftSettings: settings),
  ]
)
