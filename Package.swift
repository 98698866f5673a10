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
  products: [.executable(name: "lifang", targets: ["lifang"])],
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
    library("CCurl", pkgConfig: "libcurl"),

    // Kernel: knows no city.
    module(.kernel, "Core"),
    module(.kernel, "YAML", ["Core", "CYAML"]),
    module(.kernel, "Crypto", ["Core", "COpenSSL"]),
    module(.kernel, "SQL", ["Core", "CLibPQ"]),
    module(.kernel, "HTTP", ["Core", "CMicroHTTPD", "CZlib"]),
    module(.kernel, "HTML", ["Core"]),
    module(.kernel, "Geo", ["Core"]),
    module(.kernel, "XML", ["Core", "CExpat"]),
    module(.kernel, "Documents", ["Core", "XML", "CQREncode", "CXLSXWriter", "CPango", "CZip"]),

    // Platform: knows people, roles and steps.
    module(.platform, "Access", ["Core"]),
    module(.platform, "Search", ["Core"]),
    module(.platform, "Audit", ["Access", "Core", "Crypto", "SQL"]),
    module(.platform, "Jobs", ["Access", "Core", "SQL"]),
    module(.platform, "Files", ["Access", "Core", "Crypto", "Documents", "Jobs", "SQL"]),
    module(
      .platform, "Entities",
      ["Access", "Audit", "Core", "Crypto", "Documents", "Files", "Geo", "Jobs", "SQL", "Search", "YAML"]),
    module(.platform, "Processes", ["Core", "Entities", "XML", "YAML"]),
    module(.platform, "Identity", ["Access", "Audit", "Core", "Crypto", "Entities", "SQL"]),
    module(
      .platform, "Messaging", ["Access", "Audit", "CCurl", "Core", "Crypto", "Entities", "Jobs", "SQL", "YAML"]),
    module(.platform, "Shell", ["Core", "HTML"]),
    module(.platform, "Site", ["Access", "Audit", "Core", "Crypto", "HTML", "HTTP", "Shell"]),
    module(
      .platform, "EntitiesWeb",
      [
        "Access", "Audit", "Core", "Crypto", "Documents", "Entities", "Files", "Geo", "HTML", "HTTP", "Jobs", "SQL",
        "Shell", "Site", "YAML",
      ]),
    module(
      .platform, "IdentityWeb",
      ["Access", "Audit", "Core", "Documents", "Entities", "HTML", "HTTP", "Identity", "SQL", "Shell", "Site"]),
    module(
      .platform, "MessagingWeb",
      ["Access", "Audit", "Core", "HTML", "HTTP", "Messaging", "SQL", "Shell", "Site"]),

    // Spine: what everything hangs on, once.
    module(.spine, "Addresses", ["Access", "Audit", "Core", "Documents", "Entities", "Geo", "SQL", "Search"]),
    module(
      .spine, "Cases",
      [
        "Access", "Audit", "Core", "Crypto", "Entities", "Files", "Identity", "Messaging", "Processes", "SQL", "YAML",
      ]),
    module(
      .spine, "CasesWeb",
      [
        "Access", "Audit", "Cases", "Core", "Entities", "EntitiesWeb", "Files", "HTML", "HTTP", "Identity",
        "Processes", "SQL", "Shell", "Site",
      ]),
    module(
      .spine, "SpineWeb",
      [
        "Access", "Addresses", "Core", "Documents", "Entities", "EntitiesWeb", "Geo", "HTML", "HTTP", "Identity",
        "Jobs",
        "SQL", "Shell", "Site",
      ]),

    module(
      .spine, "Portal",
      [
        "Access", "Audit", "Cases", "Core", "Crypto", "Entities", "Geo", "Identity", "Messaging", "Processes", "SQL",
        "YAML",
      ]),
    module(
      .spine, "PortalWeb",
      ["Access", "Cases", "Core", "Entities", "Files", "Geo", "HTML", "HTTP", "Portal", "Shell", "Site"]),

    // App: composition root, command line, demo city.
    module(.app, "DemoCity", ["Addresses", "Core", "Geo"]),
    module(
      .app, "LifangApp",
      [
        "Access", "Addresses", "Audit", "Cases", "CasesWeb", "Core", "Crypto", "DemoCity", "Documents", "Entities",
        "EntitiesWeb", "Files",
        "Geo", "HTML", "HTTP", "Identity", "IdentityWeb", "Jobs", "Messaging", "MessagingWeb", "Portal", "PortalWeb",
        "Processes", "SQL",
        "Search", "Shell", "Site",
        "SpineWeb",
      ]),
    .executableTarget(
      name: "lifang", dependencies: ["LifangApp"], path: "Sources/App/lifang", swiftSettings: settings),

    // Tests.
    .target(
      name: "TestSupport", dependencies: ["Core", "SQL"], path: "Tests/Support", swiftSettings: settings),
    tests("ArchitectureTests", []),
    tests("CoreTests", ["Core"]),
    tests("YAMLTests", ["Core", "YAML"]),
    tests("CryptoTests", ["Core", "Crypto"]),
    tests("SQLTests", ["Core", "SQL", "TestSupport"]),
    tests("HTTPTests", ["Core", "CZlib", "HTTP"]),
    tests("HTMLTests", ["Core", "HTML"]),
    tests("GeoTests", ["Core", "Geo", "SQL", "TestSupport"]),
    tests("ProcessesTests", ["Core", "Entities", "Processes", "YAML"]),
    tests("XMLTests", ["XML"]),
    tests("DocumentsTests", ["Core", "Documents"]),
    tests("SearchTests", ["Core", "SQL", "Search", "TestSupport"]),
    tests("AuditTests", ["Access", "Audit", "Core", "Crypto", "SQL", "TestSupport"]),
    tests(
      "EntitiesTests",
      [
        "Access", "Audit", "Core", "Crypto", "Entities", "Files", "Geo", "Jobs", "SQL", "Search", "TestSupport", "YAML",
      ]),
    tests(
      "EntitiesWebTests",
      [
        "Access", "Audit", "Core", "Crypto", "Entities", "EntitiesWeb", "HTTP", "SQL", "Shell", "Site", "TestSupport",
      ]),
    tests("IdentityTests", ["Access", "Audit", "Core", "Crypto", "Entities", "Identity", "SQL", "TestSupport"]),
    tests("JobsTests", ["Access", "Core", "Jobs", "SQL", "TestSupport"]),
    tests(
      "MessagingTests",
      ["Access", "Audit", "Core", "Crypto", "Entities", "Jobs", "Messaging", "SQL", "TestSupport", "YAML"]),
    tests("FilesTests", ["Access", "Core", "Crypto", "Documents", "Files", "Jobs", "SQL", "TestSupport"]),
    tests(
      "CasesTests",
      [
        "Access", "Audit", "Cases", "Core", "Crypto", "Entities", "Files", "Identity", "Jobs", "Messaging",
        "Processes", "SQL", "TestSupport", "YAML",
      ]),
    tests("ShellTests", ["Core", "HTML", "Shell"]),
    tests("AddressesTests", ["Core", "Addresses"]),
    tests("DemoCityTests", ["Addresses", "Core", "DemoCity", "Geo"]),
  ],
  swiftLanguageModes: [.v6]
)
