// swift-tools-version: 6.1
import PackageDescription

/// One list of settings for every target: existentials are written `any`, imports are internal unless said
/// otherwise, and a member is visible only where its module is imported.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// The layers of `docs/architecture.md`; a layer may import only what stands above it in this list.
enum Layer: String {
  case kernel = "Kernel"
  case platform = "Platform"
  case spine = "Spine"
  case app = "App"
}

func module(_ layer: Layer, _ name: String, _ dependencies: [String] = []) -> Target {
  .target(
    name: name,
    dependencies: dependencies.map { .byName(name: $0) },
    path: "Sources/\(layer.rawValue)/\(name)",
    swiftSettings: settings)
}

func library(_ name: String, pkgConfig: String) -> Target {
  .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig)
}

func tests(_ name: String, _ dependencies: [String]) -> Target {
  .testTarget(
    name: name,
    dependencies: dependencies.map { .byName(name: $0) },
    path: "Tests/\(name)",
    swiftSettings: settings)
}

let package = Package(
  name: "lifang",
  targets: [
    // C: well-kept libraries of Debian, each imported by one module only.
    library("CLibPQ", pkgConfig: "libpq"),
    library("CMicroHTTPD", pkgConfig: "libmicrohttpd"),
    library("COpenSSL", pkgConfig: "libcrypto"),
    library("CYAML", pkgConfig: "yaml-0.1"),
    library("CQREncode", pkgConfig: "libqrencode"),
    library("CXLSXWriter", pkgConfig: "xlsxwriter"),
    library("CPango", pkgConfig: "pangocairo"),
    library("CZlib", pkgConfig: "zlib"),
    library("CExpat", pkgConfig: "expat"),
    library("CZip", pkgConfig: "libzip"),

    // Kernel: knows no city.
    module(.kernel, "Core"),
    module(.kernel, "YAML", ["Core", "CYAML"]),
    module(.kernel, "Crypto", ["Core", "COpenSSL"]),
    module(.kernel, "SQL", ["Core", "CLibPQ"]),
    module(.kernel, "HTTP", ["Core", "CMicroHTTPD", "CZlib"]),
    module(.kernel, "HTML", ["Core"]),
    module(.kernel, "Geo", ["Core"]),
    module(.kernel, "Documents", ["Core", "CQREncode", "CXLSXWriter", "CPango", "CExpat", "CZip"]),

    // Platform: knows people, roles and steps.
    module(.platform, "Access", ["Core"]),
    module(.platform, "Search", ["Core"]),
    module(.platform, "Audit", ["Access", "Core", "Crypto", "SQL"]),
    module(.platform, "Jobs", ["Access", "Core", "SQL"]),
    module(.platform, "Files", ["Access", "Core", "Crypto", "Documents", "Jobs", "SQL"]),
    module(
      .platform, "Entities",
      ["Core", "YAML", "Crypto", "SQL", "Geo", "Access", "Search", "Audit", "Jobs", "Files"]),

    // Spine: what everything hangs on, once.
    module(.spine, "Addresses", ["Core"]),

    .target(
      name: "TestSupport", dependencies: ["Core", "SQL"], path: "Tests/Support", swiftSettings: settings),
    tests("CoreTests", ["Core"]),
    tests("YAMLTests", ["Core", "YAML"]),
    tests("CryptoTests", ["Core", "Crypto"]),
    tests("SQLTests", ["Core", "SQL", "TestSupport"]),
    tests("CoreTests", ["Core"]),
    tests("YAMLTests", ["Core", "YAML"]),
    tests("EntitiesTests", ["Core", "YAML", "SQL", "Access", "Entities", "TestSupport"]),
    .target(
      name: "TestSupport", dependencies: ["Core", "SQL"], path: "Tests/Support", swiftSettings: settings),
    tests("SQLTests", ["Core", "SQL", "TestSupport"]),
    tests("CryptoTests", ["Core", "Crypto"]),
    module(.platform, "Search", ["Core"]),

    tests("DocumentsTests", ["Core", "Documents"]),
    tests("GeoTests", ["Core", "Geo"]),
    tests("SearchTests", ["Core", "Search"]),
    tests("AuditTests", ["Access", "Audit", "Core", "Crypto", "SQL", "TestSupport"]),
    tests("AddressesTests", ["Core", "Addresses"]),
  ],
  swiftLanguageModes: [.v6]
)
