import Core
package import EntitiesWeb
package import HTTP
package import SignOn
package import Site

/// Which roles and permissions an account has, for other systems (权限接口, B1-307).
///
/// Keys see the accounts of their scope; every answer is audited, quota and log are those of all interfaces.
package struct RightsInterface: Sendable {
  let site: Site
  let rights: AccountRights

  package init(site: Site, rights: AccountRights) {
    self.site = site
    self.rights = rights
  }

  package func register(in router: inout Router) {
    router.on(.get, "/api/accounts/{account}/rights", at: site) { visit in
      let answer = try await rights.of(
        account: try visit.request.parameter("account"), application: visit.request.query.first("application"),
        by: visit.principal, origin: visit.request.origin)
      return .json(answer)
    }
  }

  /// The interface in OpenAPI.
  package static var part: OpenAPI.Part {
    OpenAPI.Part(
      paths: [("/api/accounts/{account}/rights", ["get": operation])], schemas: [("AccountRights", schema)])
  }

  private static let operation: JSON = .object([
    ("operationId", "read_account_rights"), ("summary", "一个账号的角色和权限"),
    ("description", "账号在用的角色、在本系统的权限和数据范围、可以使用的接入应用和在其中的应用权限。停用的账号没有任何权限。"), ("tags", ["统一账号中心"]),
    (
      "parameters",
      [
        [
          "name": "account", "in": "path", "required": true, "description": "账号（preferred_username）",
          "schema": ["type": "string", "minLength": 1, "maxLength": 64],
        ],
        [
          "name": "application", "in": "query", "required": false, "description": "只要这个接入应用的（client_id）",
          "schema": ["type": "string", "minLength": 1, "maxLength": 40],
        ],
      ]
    ),
    (
      "responses",
      .object([("200", OpenAPI.answer("角色和权限", OpenAPI.reference("AccountRights")))] + OpenAPI.refusals)
    ),
  ])

  private static let named: JSON = [
    "type": "object", "required": ["code", "name"],
    "properties": ["code": ["type": "string"], "name": ["type": "string"]],
  ]

  private static let schema: JSON = [
    "type": "object",
    "required": ["account", "subject", "name", "active", "unit", "roles", "permissions", "applications"],
    "properties": [
      "account": ["type": "string"], "subject": ["type": "string", "description": "登录时给出的 sub"],
      "name": ["type": "string"], "active": ["type": "boolean"], "unit": ["oneOf": [named, ["type": "null"]]],
      "roles": ["type": "array", "items": named],
      "permissions": [
        "type": "array",
        "items": [
          "type": "object", "required": ["permission", "scope", "value"],
          "properties": [
            "permission": ["type": "string", "description": "如 address.view；* 为全部"],
            "scope": ["type": "string", "enum": ["own", "unit", "unit_and_below", "division", "area", "all", "rule"]],
            "value": ["type": ["string", "null"]],
          ],
        ],
      ],
      "applications": [
        "type": "array",
        "items": [
          "type": "object", "required": ["code", "name", "allowed", "permissions"],
          "properties": [
            "code": ["type": "string"], "name": ["type": "string"], "allowed": ["type": "boolean"],
            "permissions": ["type": "array", "items": ["type": "string"]],
          ],
        ],
      ],
    ],
  ]
}
