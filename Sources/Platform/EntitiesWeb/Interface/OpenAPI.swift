package import Core
package import Entities

/// The interface of every register as an OpenAPI 3.1 document, made from the declarations.
package struct OpenAPI {
  /// What an area adds beside its registers.
  package struct Part: Sendable {
    package let paths: [(key: String, value: JSON)]
    package let schemas: [(key: String, value: JSON)]

    package init(paths: [(key: String, value: JSON)], schemas: [(key: String, value: JSON)]) {
      self.paths = paths
      self.schemas = schemas
    }
  }

  let catalog: Catalog
  let title: String
  let parts: [Part]

  package init(catalog: Catalog, title: String, parts: [Part] = []) {
    self.catalog = catalog
    self.title = title
    self.parts = parts
  }

  package var document: JSON {
    var paths: [(key: String, value: JSON)] = []
    var schemas: [(key: String, value: JSON)] = [("Refusal", OpenAPI.refusal)]
    for entity in catalog.entities {
      paths.append(("/api/r/\(entity.name)", collection(entity)))
      if entity.imports == .standard { paths.append(("/api/r/\(entity.name)/batch", batch(entity))) }
      paths.append(("/api/r/\(entity.name)/{id}", item(entity)))
      schemas.append((entity.name, schema(entity, isInput: false)))
      schemas.append(("\(entity.name)_input", schema(entity, isInput: true)))
    }
    paths += FeatureDescription(catalog: catalog).paths
    paths.append(("/api/lookup/{code}", OpenAPI.lookup))
    paths.append(("/api/nearby", OpenAPI.nearby))
    paths.append(("/api/address/match", OpenAPI.match))
    paths.append(("/api/address/at", OpenAPI.addressesAt))
    for part in parts {
      paths += part.paths
      schemas += part.schemas
    }
    return [
      "openapi": "3.1.0",
      "info": ["title": .string(title), "version": "1", "description": "按声明自动生成；每个登记表的字段、必填和字典与页面一致。"],
      "servers": [["url": "/"]], "paths": .object(paths),
      "components": [
        "schemas": .object(schemas),
        "securitySchemes": [
          "key": ["type": "apiKey", "in": "header", "name": "X-API-Key"],
          "session": ["type": "apiKey", "in": "cookie", "name": "session"],
        ],
      ], "security": [["key": []], ["session": []]],
    ]
  }

  // MARK: Paths

  package static func reference(_ name: String) -> JSON { ["$ref": .string("#/components/schemas/\(name)")] }

  package static func answer(_ text: String, _ schema: JSON) -> JSON {
    ["description": .string(text), "content": ["application/json": ["schema": schema]]]
  }

  private func reference(_ name: String) -> JSON { OpenAPI.reference(name) }

  private func answer(_ text: String, _ schema: JSON) -> JSON { OpenAPI.answer(text, schema) }

  private var refusals: [(key: String, value: JSON)] { OpenAPI.refusals }

  /// The answers that every operation may give.
  package static var refusals: [(key: String, value: JSON)] {
    [
      ("400", "请求有误"), ("401", "没有登录或密钥无效"), ("403", "没有权限"), ("404", "没有这条记录"), ("409", "已被他人改动或重复"),
      ("422", "内容不符合规则"), ("429", "调用太频繁"),
    ].map { ($0.0, answer($0.1, reference("Refusal"))) }
  }

  private func operation(
    _ entity: EntityDeclaration, _ verb: String, _ summary: String, parameters: [JSON] = [], body: JSON? = nil,
    success: (String, JSON)
  ) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("operationId", .string("\(verb)_\(entity.name)")), ("summary", .string(summary)),
      ("tags", [.string(entity.label)]),
    ]
    if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
    if let body {
      members.append(("requestBody", ["required": true, "content": ["application/json": ["schema": body]]]))
    }
    members.append(("responses", .object([(success.0, success.1)] + refusals)))
    return .object(members)
  }

  private func collection(_ entity: EntityDeclaration) -> JSON {
    let page: JSON = [
      "type": "object", "required": ["items", "count", "countIsEstimate"],
      "properties": [
        "items": ["type": "array", "items": reference(entity.name)], "count": ["type": "integer"],
        "countIsEstimate": ["type": "boolean"], "next": ["type": "string"],
      ],
    ]
    return [
      "get": operation(
        entity, "list", "查询\(entity.label)", parameters: listParameters(entity), success: ("200", answer("一页记录", page))),
      "post": operation(
        entity, "create", "新建\(entity.label)", body: reference("\(entity.name)_input"),
        success: ("201", answer("新建的记录", reference(entity.name)))),
    ]
  }

  private func item(_ entity: EntityDeclaration) -> JSON {
    let id: JSON = [
      "name": "id", "in": "path", "required": true, "schema": ["type": "integer", "format": "int64", "minimum": 1],
    ]
    return [
      "get": operation(
        entity, "read", "读取\(entity.label)", parameters: [id], success: ("200", answer("记录", reference(entity.name)))),
      "patch": operation(
        entity, "change", "修改\(entity.label)", parameters: [id], body: changes(entity),
        success: ("200", answer("改后的记录", reference(entity.name)))),
      "delete": operation(
        entity, "delete", "删除\(entity.label)", parameters: [id], success: ("204", ["description": "已删除"])),
    ]
  }

  /// Rows hold what a table may bring, in its own type or as people write them; references also by code or name.
  private func batch(_ entity: EntityDeclaration) -> JSON {
    let names = ImportSpec.fields(of: entity).map { field in
      (key: field.name, value: JSON.object([("title", .string(field.label))]))
    }
    let count: JSON = ["type": "integer", "minimum": 0]
    let outcome: JSON = [
      "type": "object", "required": ["row", "result"],
      "properties": [
        "row": ["type": "integer", "minimum": 1],
        "result": ["type": "string", "enum": .array(ImportOutcome.Result.allCases.map { .string($0.rawValue) })],
        "id": ["type": "integer", "format": "int64"], "field": ["type": "string"], "reason": ["type": "string"],
      ],
    ]
    let body: JSON = [
      "type": "object", "required": ["rows"], "additionalProperties": false,
      "properties": [
        "rows": [
          "type": "array", "minItems": 1, "maxItems": .int(Int64(RecordInterface.batchLimit)),
          "items": ["type": "object", "properties": .object(names), "additionalProperties": false],
        ],
        "key": [
          "description": "用来识别已有记录的字段；不填时取第一个不重复的字段",
          "oneOf": [["type": "string"], ["type": "array", "minItems": 1, "items": ["type": "string"]]],
        ],
        "mode": ["type": "string", "enum": .array(ImportSpec.Mode.allCases.map { .string($0.rawValue) })],
        "blankClears": ["type": "boolean", "description": "空值是否清空已有内容，默认保留"],
        "label": ["type": "string", "maxLength": 60, "description": "这次同步的名称，如来源系统"],
      ],
    ]
    let result: JSON = [
      "type": "object", "required": ["run", "created", "updated", "unchanged", "rejected", "rows"],
      "properties": [
        "run": ["type": "integer", "format": "int64"], "created": count, "updated": count, "unchanged": count,
        "rejected": count, "rows": ["type": "array", "items": outcome],
      ],
    ]
    return [
      "post": operation(
        entity, "batch", "批量同步\(entity.label)", body: body, success: ("200", answer("每一行的结果", result)))
    ]
  }

  /// The input schema without required members.
  private func changes(_ entity: EntityDeclaration) -> JSON {
    guard case .object(let members) = schema(entity, isInput: true) else { return [:] }
    return .object(members.filter { $0.key != "required" })
  }

  private func listParameters(_ entity: EntityDeclaration) -> [JSON] {
    func query(_ name: String, _ text: String, _ schema: JSON) -> JSON {
      ["name": .string(name), "in": "query", "description": .string(text), "schema": schema]
    }
    var parameters = [
      query("q", "检索", ["type": "string", "maxLength": 60]), query("page", "页码", ["type": "integer", "minimum": 1]),
      query("size", "每页条数", ["type": "integer", "minimum": 1, "maximum": .int(Int64(ListQuery.maximumLimit))]),
      query("sort", "排序字段，- 开头为倒序", ["type": "string"]), query("after", "上一页给出的翻页位置", ["type": "string"]),
      query("at", "截至时间", ["type": "string"]),
    ]
    for name in entity.list.filters {
      guard let field = entity.field(name) else { continue }
      let suffix = field.type == .division ? ".prefix" : ""
      parameters.append(query(name + suffix, field.label, type(field)))
    }
    return parameters
  }

  // MARK: Schemas

  private func schema(_ entity: EntityDeclaration, isInput: Bool) -> JSON {
    var properties: [(key: String, value: JSON)] = []
    if !isInput {
      properties = [
        ("id", ["type": "integer", "format": "int64"]), ("version", ["type": "integer"]),
        ("createdAt", ["type": "string", "format": "date-time"]),
        ("updatedAt", ["type": "string", "format": "date-time"]),
        ("masked", ["type": "array", "items": ["type": "string"], "description": "以掩码显示的字段"]),
      ]
    }
    for field in entity.fields where !field.hidden {
      if isInput && (!field.isStored || !field.editable) { continue }
      properties.append((field.name, isInput ? type(field) : nullable(field)))
    }
    var members: [(key: String, value: JSON)] = [
      ("type", "object"), ("title", .string(entity.label)), ("properties", .object(properties)),
    ]
    if isInput {
      let required = entity.fields.filter { $0.required && $0.editable && $0.defaultValue == nil && $0.isStored }
      if !required.isEmpty { members.append(("required", .array(required.map { .string($0.name) }))) }
      members.append(("additionalProperties", false))
    }
    return .object(members)
  }

  /// The schema of some fields as they are filled in.
  package func input(_ fields: [FieldDeclaration], of entity: EntityDeclaration) -> JSON {
    let required = fields.filter { $0.required && $0.defaultValue == nil }.map { JSON.string($0.name) }
    return [
      "type": "object", "title": .string(entity.label),
      "properties": .object(fields.map { ($0.name, type($0)) }), "required": .array(required),
      "additionalProperties": false,
    ]
  }

  /// Answers may leave any field empty, and show a mask in place of any type.
  private func nullable(_ field: FieldDeclaration) -> JSON {
    ["title": .string(field.label), "description": .string(field.help ?? field.type.label)]
  }

  func type(_ field: FieldDeclaration) -> JSON {
    var members: [(key: String, value: JSON)] = [("title", .string(field.label))]
    if let help = field.help { members.append(("description", .string(help))) }
    if field.multiple {
      return .object(members + [("type", "array"), ("items", ["type": "string"])])
    }
    switch field.type {
    case .integer, .ref: members.append(("type", "integer"))
    case .decimal, .money: members.append(("type", "string"))
    case .boolean: members.append(("type", "boolean"))
    case .date: members += [("type", "string"), ("format", "date")]
    case .instant: members += [("type", "string"), ("format", "date-time")]
    case .code(let name):
      members.append(("type", "string"))
      if let codes = catalog.dictionary(name)?.codes, codes.count <= 200 {
        members.append(("enum", .array(codes.map { .string($0.code) })))
      }
    case .point, .line, .polygon: members += [("type", "object"), ("description", "GeoJSON 几何（CGCS2000 经纬度）")]
    case .json: break
    default:
      members.append(("type", "string"))
      if let length = field.maximumLength { members.append(("maxLength", .int(Int64(length)))) }
    }
    return .object(members)
  }

  private static let refusal: JSON = [
    "type": "object", "required": ["code", "message"],
    "properties": [
      "code": ["type": "string"], "message": ["type": "string"], "field": ["type": ["string", "null"]],
      "request": ["type": "string"],
    ],
  ]

  private static let lookup: JSON = [
    "get": [
      "operationId": "lookup", "summary": "按地址编码查公开信息", "tags": ["公众服务"], "security": [],
      "parameters": [
        [
          "name": "code", "in": "path", "required": true,
          "schema": ["type": "string", "minLength": 1, "maxLength": 32],
        ]
      ],
      "responses": [
        "200": ["description": "公开信息", "content": ["application/json": ["schema": ["type": "object"]]]],
        "400": ["description": "请求有误"], "404": ["description": "没有这个地址"], "429": ["description": "查询太频繁"],
      ],
    ]
  ]

  private static let addressesAt: JSON = [
    "get": [
      "operationId": "addresses_at", "summary": "按经纬度查标准地址（逆地理编码）", "tags": ["标准地址"],
      "parameters": [
        ["name": "lon", "in": "query", "required": true, "schema": ["type": "number"]],
        ["name": "lat", "in": "query", "required": true, "schema": ["type": "number"]],
        ["name": "radius", "in": "query", "schema": ["type": "number", "minimum": 1, "maximum": 2000]],
      ],
      "responses": [
        "200": [
          "description": "inside：所在楼栋及其各户；near：附近的地址，由近到远",
          "content": [
            "application/json": [
              "schema": [
                "type": "object", "required": ["inside", "near"],
                "properties": [
                  "inside": ["type": "array", "items": ["type": "object"]],
                  "near": ["type": "array", "items": ["type": "object"]],
                ],
              ]
            ]
          ],
        ], "400": ["description": "请求有误"], "401": ["description": "没有登录或密钥无效"], "403": ["description": "没有权限"],
        "422": ["description": "内容不符合规则"], "429": ["description": "调用太频繁"],
      ],
    ]
  ]

  private static let match: JSON = [
    "post": [
      "operationId": "match_addresses", "summary": "把各种写法的地址对应到标准地址", "tags": ["标准地址"],
      "requestBody": [
        "required": true,
        "content": [
          "application/json": [
            "schema": [
              "type": "object", "required": ["addresses"],
              "properties": [
                "addresses": [
                  "type": "array", "minItems": 1, "maxItems": 1000, "items": ["type": "string"],
                ]
              ],
            ]
          ]
        ],
      ],
      "responses": [
        "200": [
          "description": "逐条的结论：accepted 采纳，doubtful 存疑，none 无匹配",
          "content": [
            "application/json": [
              "schema": [
                "type": "object", "required": ["items"],
                "properties": [
                  "items": [
                    "type": "array",
                    "items": [
                      "type": "object", "required": ["text", "outcome", "confidence", "candidates", "reasons"],
                      "properties": [
                        "text": ["type": "string"],
                        "outcome": ["type": "string", "enum": ["accepted", "doubtful", "none"]],
                        "confidence": ["type": "number", "minimum": 0, "maximum": 1],
                        "address": ["type": ["object", "null"]],
                        "candidates": ["type": "array", "items": ["type": "object"]],
                        "reasons": ["type": "array", "items": ["type": "object"]],
                      ],
                    ],
                  ]
                ],
              ]
            ]
          ],
        ], "400": ["description": "请求有误"], "401": ["description": "没有登录或密钥无效"], "403": ["description": "没有权限"],
        "422": ["description": "内容不符合规则"], "429": ["description": "调用太频繁"],
      ],
    ]
  ]

  private static let nearby: JSON = [
    "get": [
      "operationId": "nearby", "summary": "附近的公共设施", "tags": ["公众服务"], "security": [],
      "parameters": [
        ["name": "lon", "in": "query", "required": true, "schema": ["type": "number"]],
        ["name": "lat", "in": "query", "required": true, "schema": ["type": "number"]],
        ["name": "radius", "in": "query", "schema": ["type": "number", "minimum": 1, "maximum": 5000]],
        ["name": "kind", "in": "query", "schema": ["type": "string"]],
      ],
      "responses": [
        "200": ["description": "设施", "content": ["application/json": ["schema": ["type": "object"]]]],
        "400": ["description": "请求有误"], "429": ["description": "查询太频繁"],
      ],
    ]
  ]
}
