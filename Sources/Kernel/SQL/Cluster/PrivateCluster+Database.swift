import CLibPQ
import Core

extension PrivateCluster {
  /// Makes the application's role, database and extensions where they are missing.
  func prepareDatabase(_ conninfo: String) throws {
    let name = configuration.database
    let server = try AdministratorLink(conninfo)
    if try !server.exists("select from pg_roles where rolname = '\(Self.owner)'") {
      try server.run("create role \(Self.owner) login nosuperuser nocreatedb nocreaterole")
    }
    if try !server.exists("select from pg_database where datname = \(SQL.literal(.text(name)))") {
      // template0 has nothing of a local administrator's in it.
      try server.run("create database \(SQL(identifier: name).text) owner \(Self.owner) template template0")
    }
    let database = try AdministratorLink(conninfo, database: name)
    for name in configuration.extensions {
      guard try !database.exists("select from pg_extension where extname = \(SQL.literal(.text(name)))") else {
        continue
      }
      guard try database.exists("select from pg_available_extensions where name = \(SQL.literal(.text(name)))") else {
        throw Refusal(
          .unavailable, "cluster-no-extension",
          "PostgreSQL 缺少扩展 \(name)。数据没有改动。请先安装它（postgresql-15-postgis-3，见 bin/setup），再重新启动。")
      }
      try database.run("create extension \(SQL(identifier: name).text)")
    }
  }
}

/// A superuser's connection for a few commands.
private struct AdministratorLink {
  private let link: Link

  init(_ conninfo: String, database: String? = nil) throws {
    var settings = [
      (name: "dbname", value: conninfo), (name: "client_encoding", value: "UTF8"),
      (name: "connect_timeout", value: "10"),
    ]
    if let database { settings.append((name: "dbname", value: database)) }
    link = try Link(settings)
  }

  func run(_ text: String) throws { PQclear(try result(text)) }

  func exists(_ text: String) throws -> Bool {
    let result = try result(text)
    defer { PQclear(result) }
    return PQntuples(result) > 0
  }

  private func result(_ text: String) throws -> OpaquePointer? {
    let result = PQexec(link.pointer, text)
    guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else {
      defer { PQclear(result) }
      throw SQLFailure(result, connection: link.pointer, statement: text)
    }
    return result
  }
}
