import Addresses
import Core
import DemoCity
import Foundation
import HTTP

/// `lifang identity-provider`: the provider of the demo on a port of its own, to try the sign-in of an installation.
enum IdentityProviderCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(
      words, valued: Configuration.valued.union(["client", "secret", "redirect", "scale"]), flagged: [])
    let configuration = try Configuration(arguments)
    guard let client = arguments.value("client"), let secret = arguments.value("secret"),
      let redirect = arguments.value("redirect"), redirect.hasPrefix("http")
    else {
      throw Refusal(.invalid, "option-missing", "请写明 --client、--secret 和 --redirect（站点的 /sign-in/callback 地址）。")
    }
    let scale = try arguments.number("scale", upTo: 50, default: DemoCommand.defaultScale)
    let people = try citizens(scale, configuration)
    let issuer = configuration.publicOrigin ?? "http://\(configuration.address):\(configuration.port)"
    let provider = try DemoIdentityProvider(
      issuer: issuer, prefix: "", client: .init(id: client, secret: secret, redirect: redirect)
    ) { people }
    var router = Router()
    let assets = try Assets(folder: configuration.installation.web)
    assets.register(on: &router)
    DemoProviderRoutes(provider: provider, assets: String(assets.url("").dropLast())).register(in: &router)
    let server = try Server(
      Server.Configuration(address: configuration.address, port: configuration.port),
      application: Application(router))
    _ = try server.start()
    print("演示用的统一身份认证平台：\(issuer)\n市民都是虚构的，不需要密码，不可用于生产。")
    fflush(nil)
    await Signals.wait()
    await server.stop(within: 5)
    return 0
  }

  /// Heads of households of the first communities.
  private static func citizens(_ scale: Double, _ configuration: Configuration) throws -> [DemoIdentityProvider.Citizen]
  {
    let resources = configuration.installation.resources
    let city = try DemoCity(
      scale: scale, gazetteer: try Gazetteer.load(folder: resources + "/spine/divisions"),
      folder: resources + "/spine/demo")
    var found: [DemoIdentityProvider.Citizen] = []
    for index in 0..<min(city.batchCount, 5) where found.count < 8 {
      for person in try city.batch(index).persons where person.relation == "head" && found.count < 8 {
        guard let document = person.residentID else { continue }
        found.append(
          .init(
            subject: "citizen-\(person.id)", name: person.name, document: document.text, phone: person.phone?.text))
      }
    }
    return found
  }
}
