import Addresses
import Audit
import Cases
import Connectors
import Core
import Definitions
import Entities
import Feeds
import Ferry
import Foundation
import Identity
import Jobs
import Messaging
import Papers
import Portal
import SQL
import SignOn
import SpineWeb

extension WebApplication {
  /// Background work of a node, until the task is cancelled.
  func runBackground() async {
    let deployment = deployment
    let rounds = deployment.rounds
    await withDiscardingTaskGroup { group in
      group.addTask { await identity.run(rounds) }
      group.addTask { await apiKeys.run(rounds) }
      group.addTask { await deployment.catalogs.run(on: deployment.database, log: deployment.log) }
      group.addTask { await definitions.run(log: deployment.log) }
      group.addTask { await counter.run(log: deployment.log) }
      group.addTask { await visits.run(log: deployment.log) }
      group.addTask { await messageRunner.run() }
      group.addTask { await cases.office.run(log: deployment.log) }
      group.addTask { await dock.run() }
      group.addTask { await pushes.run() }
      group.addTask { await signOn.run(rounds) }
      group.addTask { await logouts.run() }
      group.addTask { await followPlans() }
      group.addTask { await watchAlarms() }
      group.addTask { await registers.run(store, log: deployment.log) }
      group.addTask {
        await AccessWatch(database: deployment.owner, store: store, messages: messages, parameters: parameters)
          .run(rounds)
      }
      group.addTask {
        await rounds.every(.seconds(60), "ferry-erase-failed") {
          try await cases.eraseFerried(owner: deployment.owner)
          try await appointments.eraseFerried(booking, owner: deployment.owner)
        }
      }
      group.addTask {
        await AuditSealer(database: deployment.owner, keys: auditKeys, clock: deployment.clock, log: deployment.log)
          .run()
      }
      group.addTask {
        var configuration = JobRunner.Configuration(worker: "node-\(ProcessInfo.processInfo.processIdentifier)")
        // The longest that a restarted node waits before it goes on with what the one that died had begun.
        configuration.lease = 15
        configuration.log = deployment.log
        configuration.metrics = deployment.metrics
        await JobRunner(queue: jobs, configuration: configuration).run()
      }
      group.addTask {
        for await payload in deployment.database.listen(RecordChangeFeed.channel) {
          // First, so that no page is kept that was begun with what is over.
          if payload.isEmpty || payload.hasPrefix("parameter:") {
            await renewPolicy()
            messageRunner.center.reconsiderChannels()
          }
          await forget(payload)
          if payload.isEmpty || payload.hasPrefix("qr_rule") || payload.hasPrefix("address_code_rule") {
            do { try await qrRules.refresh(from: deployment.database) } catch {
              deployment.log.fault(error, "qr-rules-refresh")
            }
          }
        }
      }
      group.addTask {
        await rounds.every(.seconds(20), "usage-flush-failed") { try await usage.flush(to: deployment.database) }
      }
      group.addTask {
        await rounds.every(.seconds(60), "feeds-failed") { try await feeds.startDue(on: jobs) }
      }
      group.addTask {
        await rounds.every(.seconds(15), "broadcasts-failed") { try await broadcasts.run(log: deployment.log) }
      }
      group.addTask {
        await rounds.every(.seconds(600), "parcels-failed") { try await cases.followParcels() }
      }
      group.addTask {
        await rounds.every(.seconds(20), "case-timers-failed") { try await cases.fireTimers(log: deployment.log) }
      }
      group.addTask {
        await rounds.every(.seconds(20), "image-inspection-failed") { while try await inspection.run() > 0 {} }
      }
      group.addTask {
        var day = deployment.clock.today()
        await rounds.every(.seconds(60), "appointments-failed") {
          // What public pages show of merchants ends with its last day.
          if deployment.clock.today() != day {
            day = deployment.clock.today()
            pages.forgetAll()
          }
          await appointments.sweep(log: deployment.log)
        }
      }
      group.addTask {
        await rounds.every(.seconds(60), "phone-codes-failed") { try await PhoneCodes(messages: messages).purge() }
      }
      group.addTask {
        await rounds.every(.seconds(60), "archive-catalogues-failed") { _ = try await catalogues.gather() }
      }
      if let cluster = deployment.cluster { group.addTask { await cluster.supervise() } }
    }
  }

  private func renewPolicy() async {
    do {
      try await parameters.refresh(from: deployment.database)
      identity.policy = IdentityPolicy(parameters)
    } catch {
      deployment.log.fault(error, "parameter-refresh")
    }
  }

  /// Empties what public pages show of a changed record.
  private func forget(_ payload: String) async {
    directory.note(payload)
    if payload.isEmpty || payload.hasPrefix("parameter:") || payload.hasPrefix("\(SMSGateway.entity):") {
      gateways.forget()
      messageRunner.center.reconsiderChannels()
    }
    // Some notifications may have been missed; the city's name stands on every page.
    if payload.isEmpty || payload.hasPrefix("parameter:city.") { return forgetPublicFaces() }
    if payload.hasPrefix("declaration:") {
      // What was labelled as sensitive leaves the pages that are kept.
      do { try await deployment.catalogs.refresh(from: deployment.database) } catch {
        deployment.log.fault(error, "catalog-refresh")
      }
      return forgetPublicFaces()
    }
    let parts = payload.split(separator: ":")
    guard let entity = parts.first else { return }
    let ids = parts.dropFirst().first?.split(separator: ",").compactMap { Int64($0) } ?? []
    switch entity {
    case "address" where !ids.isEmpty && !ids.contains(0): for id in ids { pages.forget(addressID: id) }
    case "address", "police_station", "grid", "division", "public_facility", "service_link", "culture_page", "merchant",
      "public_notice", "unit":
      forgetPublicFaces()
    case "app_user":
      // Accounts of residents come by the thousand, and are shown to nobody.
      var isShown = true
      if !ids.isEmpty, let concerned = try? await DutyOfficers(deployment.database).concern(ids) { isShown = concerned }
      if isShown { forgetPublicFaces() }
    default: break
    }
  }

  private func forgetPublicFaces() {
    contacts.forget()
    pages.forgetAll()
  }
}
