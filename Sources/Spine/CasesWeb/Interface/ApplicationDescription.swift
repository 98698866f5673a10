import Cases
import Core
import Entities
package import EntitiesWeb
import Processes

/// The interface of applications (申请接口) in OpenAPI.
package enum ApplicationDescription {
  package static var part: OpenAPI.Part {
    OpenAPI.Part(
      paths: [
        ("/api/services", ["get": catalogue]), ("/api/services/{item}", ["get": item]),
        ("/api/services/{item}/preview", ["post": preview]),
        ("/api/services/{item}/applications", ["post": submission]), ("/api/application-files", ["post": files]),
        ("/api/applications/{number}", ["get": progress]),
        ("/api/applications/{number}/supplement", ["post": supplement]),
        ("/api/applications/{number}/withdraw", ["post": withdrawal]),
      ],
      schemas: [
        ("ApplicationItem", summary), ("ApplicationStatus", status), ("ApplicationInput", input(isFirst: true)),
        ("SupplementInput", input(isFirst: false)),
      ])
  }

  private static func operation(
    _ id: String, _ summary: String, _ description: String, parameters: [JSON] = [], body: JSON? = nil,
    type: String = "application/json", success: [(key: String, value: JSON)]
  ) -> JSON {
    var members: [(key: String, value: JSON)] = [
      ("operationId", .string(id)), ("summary", .string(summary)), ("description", .string(description)),
      ("tags", ["申请接口"]), ("security", .array([.object([("key", .array([]))])])),
    ]
    if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
    if let body {
      let content = JSON.object([(type, .object([("schema", body)]))])
      members.append(("requestBody", ["required": true, "content": content]))
    }
    let more: [(key: String, value: JSON)] = [
      ("413", OpenAPI.answer("内容太大", OpenAPI.reference("Refusal"))),
      ("415", OpenAPI.answer("内容类型不对", OpenAPI.reference("Refusal"))),
      ("410", OpenAPI.answer("已撤销或作废", OpenAPI.reference("Refusal"))),
    ]
    members.append(("responses", .object(success + OpenAPI.refusals + (body == nil ? [] : more))))
    return .object(members)
  }

  private static let itemCode: JSON = [
    "name": "item", "in": "path", "required": true, "description": "事项编码",
    "schema": ["type": "string", "minLength": 1, "maxLength": 50],
  ]
  private static let number: JSON = [
    "name": "number", "in": "path", "required": true, "description": "受理编号",
    "schema": ["type": "string", "minLength": 1, "maxLength": 40],
  ]
  private static let request: JSON = [
    "name": "Idempotency-Key", "in": "header", "required": true,
    "description": "这次申请在贵方系统里的编号。原样重试得到同一件办件；同一编号不能提交另一份内容。",
    "schema": ["type": "string", "minLength": 8, "maxLength": 100, "pattern": "^[!-~]+$"],
  ]

  // MARK: Operations

  private static let catalogue = operation(
    "list_services", "事项目录", "可以申请的全部事项。",
    parameters: [["name": "q", "in": "query", "schema": ["type": "string", "maxLength": 40]]],
    success: [
      (
        "200",
        OpenAPI.answer(
          "事项",
          [
            "type": "object", "required": ["items"],
            "properties": ["items": ["type": "array", "items": OpenAPI.reference("ApplicationItem")]],
          ])
      )
    ])

  private static let item = operation(
    "read_service", "一个事项", "办事指南、材料清单，以及要填写的内容（JSON Schema）：case 是每件申请都填的，form 是这个事项的表单。",
    parameters: [itemCode],
    success: [
      (
        "200",
        OpenAPI.answer(
          "事项",
          [
            "allOf": [OpenAPI.reference("ApplicationItem")],
            "required": ["guide", "case", "form", "materials", "delivery"],
            "properties": [
              "guide": ["type": "string"], "case": ["type": "object"], "form": ["type": "object"],
              "delivery": ["type": "array", "items": ["type": "string"]],
              "materials": [
                "type": "array", "items": ["type": "object", "required": ["requirement", "label", "need", "kinds"]],
              ],
            ],
          ])
      )
    ])

  private static let preview = operation(
    "preview_application", "试填", "按已填的内容，说出还有什么问题、要哪些材料；不保存。", parameters: [itemCode],
    body: OpenAPI.reference("SupplementInput"),
    success: [
      (
        "200",
        OpenAPI.answer(
          "问题和材料",
          [
            "type": "object", "required": ["problems", "materials"],
            "properties": [
              "problems": ["type": "array", "items": ["type": "object", "required": ["code", "message"]]],
              "materials": ["type": "array", "items": ["type": "object", "required": ["requirement", "need"]]],
            ],
          ])
      )
    ])

  private static let submission = operation(
    "submit_application", "提交申请", "替在贵方平台实名的人提交。人口登记对姓名和证件号码有最终决定权；事项要求的实名等级由平台的等级对应得出。",
    parameters: [itemCode, request], body: OpenAPI.reference("ApplicationInput"),
    success: [
      ("201", OpenAPI.answer("已受理", OpenAPI.reference("ApplicationStatus"))),
      ("200", OpenAPI.answer("这个幂等键已经受理过", OpenAPI.reference("ApplicationStatus"))),
    ])

  private static let files = operation(
    "send_application_files", "上传材料", "JPEG、PNG、WebP 图片或 PDF，每个不超过 20 MB；返回的编号写进申请的 materials。没有用上的文件会被清理。",
    body: [
      "type": "object", "required": ["file"],
      "properties": [
        "file": ["type": "array", "minItems": 1, "maxItems": 20, "items": ["type": "string", "format": "binary"]]
      ],
    ], type: "multipart/form-data",
    success: [
      (
        "201",
        OpenAPI.answer(
          "已保存",
          [
            "type": "object", "required": ["files"],
            "properties": [
              "files": [
                "type": "array",
                "items": [
                  "type": "object", "required": ["file", "name", "size"],
                  "properties": ["file": ["type": "string"], "name": ["type": "string"], "size": ["type": "integer"]],
                ],
              ]
            ],
          ])
      )
    ])

  private static let progress = operation(
    "read_application", "查询进度", "只能查用同一个密钥提交的申请。", parameters: [number],
    success: [("200", OpenAPI.answer("进度", OpenAPI.reference("ApplicationStatus")))])

  private static let supplement = operation(
    "supplement_application", "补正", "申请被退回补正时，改过的表单内容和材料。", parameters: [number],
    body: OpenAPI.reference("SupplementInput"),
    success: [("200", OpenAPI.answer("进度", OpenAPI.reference("ApplicationStatus")))])

  private static let withdrawal = operation(
    "withdraw_application", "撤销申请", "办结之前可以撤销，要写明理由。", parameters: [number],
    body: [
      "type": "object", "required": ["reason"], "additionalProperties": false,
      "properties": ["reason": ["type": "string", "minLength": 1, "maxLength": 1000]],
    ], success: [("200", OpenAPI.answer("进度", OpenAPI.reference("ApplicationStatus")))])

  // MARK: Schemas

  private static let summary: JSON = [
    "type": "object", "required": ["code", "label", "category", "online", "days", "assurance", "signature"],
    "properties": [
      "code": ["type": "string"], "label": ["type": "string"], "category": ["type": "string"],
      "online": ["type": "boolean", "description": "能否网上申请"], "days": ["type": "integer", "description": "承诺的工作日"],
      "assurance": ["type": "string", "description": "要求的实名等级"],
      "signature": [
        "type": "string", "enum": ["required", "optional", "none"],
        "description": "required：申请人须在里坊的办件页面上签名，或到窗口补签纸质的，没有签名不能批准",
      ],
    ],
  ]

  private static let text: JSON = ["type": ["string", "null"]]

  private static let status: JSON = [
    "type": "object",
    "required": ["number", "item", "label", "state", "submittedAt", "history", "supplement", "signature"],
    "properties": [
      "number": ["type": "string"], "item": ["type": "string"], "label": ["type": "string"],
      "state": [
        "type": "string",
        "description": "active 办理中、supplement 待补正、shelved 挂账、completed 办结、refused 不予办理、withdrawn 已撤销、void 作废",
      ],
      "signature": [
        "type": "object", "required": ["awaited", "holds"], "additionalProperties": false,
        "description": "申请人的签名。awaited：还差签名，没有签名不能批准，请引导申请人到里坊的办件页面签名；holds：签名是否还对应现在的内容，没有签过为 null",
        "properties": ["awaited": ["type": "boolean"], "holds": ["type": ["boolean", "null"]]],
      ],
      "step": text, "submittedAt": text, "dueAt": text, "finishedAt": text, "courierNumber": text,
      "supplement": [
        "type": ["object", "null"], "description": "要申请人做的事：能否改表单、补材料，以及退回的说明",
        "properties": [
          "step": ["type": "string"], "form": ["type": "boolean"], "materials": ["type": "boolean"], "asked": text,
          "dueAt": text,
        ],
      ],
      "history": [
        "type": "array",
        "items": [
          "type": "object", "required": ["at", "action", "label"],
          "properties": [
            "at": ["type": "string", "format": "date-time"], "action": ["type": "string"], "label": ["type": "string"],
            "step": text, "result": text, "opinion": text, "unit": text,
          ],
        ],
      ],
    ],
  ]

  private static func input(isFirst: Bool) -> JSON {
    let material: JSON = [
      "type": "object", "required": ["requirement"],
      "properties": [
        "requirement": ["type": "string"], "kind": ["type": "string", "description": "任选一种的材料写明是哪一种"],
        "way": ["type": "string", "enum": ["submitted", "held", "promised"], "description": "上传文件、免提交、到窗口或寄送原件"],
        "files": ["type": "array", "maxItems": 40, "items": ["type": "string"]],
        "issuedOn": ["type": "string", "format": "date"],
      ],
    ]
    let applicant: JSON = [
      "type": "object", "required": ["subject", "name", "document"],
      "properties": [
        "subject": ["type": "string", "minLength": 1, "maxLength": 200, "description": "贵方平台的用户编号"],
        "name": ["type": "string", "minLength": 1, "maxLength": 60],
        "document": ["type": "string", "description": "公民身份号码"],
        "phone": ["type": "string"], "level": ["type": "string", "description": "贵方平台的实名等级"],
      ],
    ]
    var properties: [(key: String, value: JSON)] = [
      ("applicant", applicant), ("case", ["type": "object"]), ("form", ["type": "object"]),
      ("materials", ["type": "array", "maxItems": 50, "items": material]),
      ("note", ["type": "string", "maxLength": 1000]),
      ("answers", ["type": "object", "description": "补正环节要填写的变量"]),
    ]
    if isFirst { properties.removeLast() }
    return .object([
      ("type", "object"), ("required", isFirst ? ["applicant", "case", "form"] : []),
      ("properties", .object(properties)), ("additionalProperties", false),
    ])
  }
}

extension CaseJSON {
  /// A case for the platform that handed it in: what its applicant may know, and nobody's name.
  static func relayed(_ view: CaseView) -> JSON {
    func moment(_ field: String) -> JSON { view.record[field].instant.map { .string($0.iso8601) } ?? .null }
    func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
    var supplement = JSON.null
    if let task = view.mine.first, let rule = view.rule(of: task.step) {
      supplement = [
        "step": .string(task.label), "form": .bool(rule.editsForm), "materials": .bool(rule.edits.contains(.materials)),
        "asked": text(view.publicEvents.last { $0.opinion != nil }?.opinion),
        "dueAt": task.dueAt.map { .string($0.iso8601) } ?? .null,
      ]
    }
    return [
      "number": .string(view.record["number"].text ?? ""), "item": .string(view.item.code),
      "label": .string(view.item.label), "state": .string(view.record["state"].text ?? ""),
      "step": text(view.record["step"].text), "submittedAt": moment("submitted_at"), "dueAt": moment("due_at"),
      "finishedAt": moment("finished_at"), "courierNumber": text(view.record["courier_number"].text),
      "supplement": supplement,
      "signature": [
        "awaited": .bool(view.awaitsSignature), "holds": view.signatureHolds.map { .bool($0) } ?? .null,
      ],
      "history": .array(
        view.publicEvents.map { event in
          [
            "at": .string(event.at.iso8601), "action": .string(event.action), "label": .string(event.label),
            "step": text(event.step), "result": text(event.result), "opinion": text(event.opinion),
            "unit": text(event.unit),
          ]
        }),
    ]
  }
}
