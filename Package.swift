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
  case suite = "Suites"
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
    library("CTurboJPEG", pkgConfig: "libturbojpeg"),
    .systemLibrary(name: "CPrefetch", path: "Sources/C/CPrefetch"),

    // Kernel: knows no city.
    module(.kernel, "Core"),
    module(.kernel, "YAML", ["Core", "CYAML"]),
    module(.kernel, "Crypto", ["Core", "COpenSSL"]),
    module(.kernel, "SQL", ["Core", "CLibPQ"]),
    module(.kernel, "Compression", ["CZlib"]),
    module(.kernel, "HTTP", ["Compression", "Core", "CMicroHTTPD"]),
    module(.kernel, "HTML", ["Core"]),
    module(.kernel, "Transport", ["CCurl", "Core"]),
    module(.kernel, "Geo", ["Core"]),
    module(.kernel, "XML", ["Core", "CExpat"]),
    module(
      .kernel, "Documents",
      [
        "Compression", "Core", "XML", "CQREncode", "CXLSXWriter", "CPango", "CTurboJPEG", "CZip",
      ]),

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
      .platform, "Messaging",
      ["Access", "Audit", "Core", "Crypto", "Entities", "Jobs", "SQL", "Transport", "YAML"]),
    module(
      .platform, "Connectors",
      ["Access", "Audit", "Core", "Crypto", "Entities", "Jobs", "SQL", "Transport", "YAML"]),
    module(
      .platform, "Feeds",
      ["Access", "Audit", "Connectors", "Core", "Crypto", "Documents", "Entities", "Jobs", "SQL", "YAML"]),
    module(
      .platform, "Ferry",
      ["Access", "Core", "Crypto", "Files", "SQL", "XML"]),
    module(
      .platform, "Papers",
      ["Access", "Audit", "Core", "Crypto", "Documents", "Entities", "Files", "Jobs", "SQL", "YAML"]),
    module(
      .platform, "Reports",
      ["Access", "Audit", "Core", "Crypto", "Documents", "Entities", "Files", "Jobs", "Messaging", "SQL", "YAML"]),
    module(
      .platform, "SignOn",
      ["Access", "Audit", "Core", "Crypto", "Entities", "Identity", "Jobs", "SQL", "Transport"]),
    module(
      .platform, "Operations",
      ["Access", "Audit", "Core", "Crypto", "Entities", "Identity", "Messaging", "SQL", "YAML"]),
    module(.platform, "Shell", ["Core", "HTML"]),
    module(.platform, "Site", ["Access", "Audit", "Core", "Crypto", "Geo", "HTML", "HTTP", "Shell"]),
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
      ["Access", "Audit", "Core", "Entities", "Files", "HTML", "HTTP", "Identity", "Messaging", "SQL", "Shell", "Site"]),

    module(
      .platform, "ConnectorsWeb",
      [
        "Access", "Audit", "Connectors", "Core", "Crypto", "Documents", "Entities", "Files", "HTML", "HTTP", "Identity",
        "SQL",
        "Shell",
        "Site",
      ]),
    module(
      .platform, "FeedsWeb",
      ["Access", "Audit", "Connectors", "Core", "Entities", "Feeds", "HTML", "HTTP", "Jobs", "SQL", "Shell", "Site"]),
    module(
      .platform, "FerryWeb",
      ["Access", "Audit", "Core", "Ferry", "HTML", "HTTP", "SQL", "Shell", "Site"]),
    module(
      .platform, "PapersWeb",
      ["Access", "Core", "Crypto", "Entities", "EntitiesWeb", "Files", "HTML", "HTTP", "Papers", "Shell", "Site"]),

    module(
      .platform, "ReportsWeb",
      [
        "Access", "Audit", "Core", "Documents", "Entities", "EntitiesWeb", "Files", "HTML", "HTTP", "Reports", "Shell",
        "Site",
      ]),

    module(
      .platform, "SignOnWeb",
      [
        "Access", "Audit", "Core", "Crypto", "Entities", "EntitiesWeb", "HTML", "HTTP", "Identity", "IdentityWeb",
        "Shell",
        "SignOn", "Site",
      ]),

    // Spine: what everything hangs on, once.
    module(
      .spine, "Addresses",
      ["Access", "Audit", "Core", "Crypto", "Documents", "Entities", "Feeds", "Geo", "SQL", "Search"]),
    module(.spine, "AddressParsing", ["Addresses", "CPrefetch", "Core", "Crypto"]),
    module(.spine, "Households", ["Access", "Core", "Entities", "SQL"]),
    module(.spine, "Residences", ["Access", "Core", "Entities", "Identity", "Messaging", "SQL"]),
    module(
      .spine, "Cases",
      [
        "Access", "Audit", "Connectors", "Core", "Crypto", "Entities", "Ferry", "Files", "Households", "Identity",
        "Messaging", "Papers", "Processes", "SQL", "YAML",
      ]),
    module(
      .spine, "CasesWeb",
      [
        "Access", "Audit", "Cases", "Connectors", "Core", "Crypto", "Documents", "Entities", "EntitiesWeb", "Files",
        "HTML", "HTTP", "Identity", "Papers", "PapersWeb", "Processes", "SQL", "Shell", "Site",
      ]),
    module(
      .spine, "Definitions",
      ["Access", "Audit", "Cases", "Core", "Crypto", "Entities", "Messaging", "Processes", "SQL", "YAML"]),
    module(
      .spine, "DefinitionsWeb",
      [
        "Access", "Cases", "CasesWeb", "Core", "Definitions", "Entities", "EntitiesWeb", "HTML", "HTTP", "Messaging",
        "MessagingWeb", "Processes", "SQL", "Shell", "Site", "YAML",
      ]),
    module(
      .spine, "SpineWeb",
      [
        "Access", "AddressParsing", "Addresses", "Core", "Crypto", "Documents", "Entities", "EntitiesWeb", "Files",
        "Geo",
        "HTML",
        "HTTP", "Identity", "Jobs", "SQL", "Shell", "Site",
      ]),

    module(
      .spine, "Portal",
      [
        "Access", "Audit", "Cases", "Core", "Crypto", "Entities", "Ferry", "Geo", "Identity", "Messaging", "Processes",
        "SQL", "YAML",
      ]),
    module(
      .spine, "PortalWeb",
      [
        "Access", "Cases", "Core", "Documents", "Entities", "EntitiesWeb", "Files", "Geo", "HTML", "HTTP", "Portal",
        "SQL", "Shell", "Site", "SpineWeb",
      ]),

    // Suites: what is truly their own of single lines of business; none imports another.
    module(
      .suite, "HouseholdRegistration",
      ["Access", "Cases", "Core", "Crypto", "Entities", "Feeds", "Households", "Identity", "SQL"]),
    module(
      .suite, "DoorPlates",
      [
        "Access", "Addresses", "Audit", "Cases", "Core", "Crypto", "Documents", "Entities", "Files", "Geo", "Messaging",
        "Identity", "Papers", "Portal",
        "SQL", "Search", "YAML",
      ]),
    module(
      .suite, "DoorPlatesWeb",
      [
        "Access", "Addresses", "Core", "Documents", "DoorPlates", "Entities", "EntitiesWeb", "Files", "Geo", "HTML",
        "HTTP", "Residences", "SQL", "Shell", "Site", "SpineWeb",
      ]),

    // App: composition root, command line, demo city.
    module(.app, "DemoCity", ["Addresses", "Core", "Geo"]),
    module(.app, "Peers", ["Connectors", "Core", "Crypto", "Documents", "HTTP"]),
    module(
      .app, "LifangApp",
      [
        "Access", "AddressParsing", "Addresses", "Audit", "Cases", "CasesWeb", "Connectors", "ConnectorsWeb", "Core",
        "Crypto", "Definitions", "DefinitionsWeb", "DemoCity", "Documents", "DoorPlates", "DoorPlatesWeb", "Entities",
        "EntitiesWeb", "Feeds", "FeedsWeb", "Ferry", "FerryWeb", "Files", "Geo", "HTML", "HTTP",
        "HouseholdRegistration", "Identity",
        "IdentityWeb", "Jobs", "Messaging", "MessagingWeb", "Operations", "Papers",
        "PapersWeb", "Peers", "Portal", "PortalWeb", "Processes", "Reports", "ReportsWeb", "Residences", "SQL",
        "Search", "Shell", "SignOn", "SignOnWeb", "Site",
        "SpineWeb",
        "Transport",
      ]),
    .executableTarget(
      name: "lifang", dependencies: ["LifangApp"], path: "Sources/App/lifang", swiftSettings: settings),

    // Tests.
    .target(
      name: "TestSupport", dependencies: ["Core", "SQL"], path: "Tests/Support", swiftSettings: settings),
    .target(
      name: "IdentitySupport", dependencies: ["Audit", "Core", "Crypto", "Entities", "Identity", "SQL", "TestSupport"],
      path: "Tests/IdentitySupport", swiftSettings: settings),
    tests(
      "FeedsTests",
      [
        "Access", "Addresses", "Audit", "Cases", "Connectors", "Core", "Crypto", "Definitions", "Entities", "Feeds",
        "Files", "HouseholdRegistration", "Identity", "Jobs", "Messaging", "Papers", "Peers", "Portal", "SQL",
        "TestSupport",
      ]),
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
    tests("DocumentsTests", ["Core", "Documents", "XML"]),
    tests("SearchTests", ["Core", "SQL", "Search", "TestSupport"]),
    tests("AuditTests", ["Access", "Audit", "Core", "Crypto", "Entities", "SQL", "TestSupport"]),
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
    tests(
      "IdentityTests",
      ["Access", "Audit", "Core", "Crypto", "Entities", "Identity", "IdentitySupport", "SQL", "TestSupport"]),
    tests(
      "SignOnTests",
      [
        "Access", "Audit", "Core", "Crypto", "Entities", "Identity", "IdentitySupport", "SQL", "SignOn", "TestSupport",
      ]),
    tests("JobsTests", ["Access", "Core", "Jobs", "SQL", "TestSupport"]),
    tests(
      "MessagingTests",
      [
        "Access", "Audit", "Core", "Crypto", "Entities", "Jobs", "Messaging", "SQL", "TestSupport", "Transport", "YAML",
      ]),
    tests(
      "FerryTests",
      ["Access", "Core", "Crypto", "Ferry", "Files", "Jobs", "SQL", "TestSupport"]),
    tests("FilesTests", ["Access", "Core", "Crypto", "Documents", "Files", "Jobs", "SQL", "TestSupport"]),
    tests(
      "ConnectorsTests",
      [
        "Access", "Audit", "Connectors", "Core", "Crypto", "Entities", "Files", "Jobs", "Peers", "SQL", "TestSupport",
        "Transport", "YAML",
      ]),
    tests(
      "CasesTests",
      [
        "Access", "Audit", "Cases", "Connectors", "Core", "Crypto", "Definitions", "Documents", "Entities", "Ferry",
        "Files", "HouseholdRegistration", "Households", "Identity", "Jobs", "Messaging", "Papers", "Peers", "Portal",
        "Reports",
        "Processes", "SQL", "TestSupport",
        "YAML",
      ]),
    tests(
      "OperationsTests",
      [
        "Access", "Audit", "Core", "Crypto", "Entities", "Files", "Identity", "Jobs", "Messaging", "Operations", "SQL",
        "TestSupport",
      ]),
    tests("ShellTests", ["Core", "HTML", "Shell"]),
    tests(
      "AddressesTests",
      [
        "Access", "Addresses", "Audit", "Cases", "Core", "Crypto", "Definitions", "Entities", "Files", "Geo",
        "Identity",
        "Jobs",
        "Messaging", "Papers", "Portal", "SQL", "Search", "TestSupport",
      ]),
    tests("AddressParsingTests", ["AddressParsing", "Addresses", "Core", "Crypto"]),
    tests(
      "DoorPlatesTests",
      [
        "Access", "Addresses", "Audit", "Core", "Crypto", "Documents", "DoorPlates", "Entities", "Files", "SQL",
        "Search", "TestSupport", "YAML",
      ]),
    tests("DemoCityTests", ["Addresses", "Core", "DemoCity", "Geo"]),
  ],
  swiftLanguageModes: [.v6]
)
