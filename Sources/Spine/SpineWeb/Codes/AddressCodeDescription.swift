import Core
package import EntitiesWeb

/// The interface of addresses with QR codes (标准地址二维码接口) in OpenAPI.
package enum AddressCodeDescription {
  package static var part: OpenAPI.Part {
    OpenAPI.Part(
      paths: [("/api/address/{code}/qr", ["get": one]), ("/api/addresses/qr", ["get": many])],
      schemas: [("AddressQR", schema)])
  }

  private static func parameter(_ name: String, _ text: String, _ schema: JSON, place: String = "query") -> JSON {
    [
      "name": .string(name), "in": .string(place), "required": .bool(place == "path"), "description": .string(text),
      "schema": schema,
    ]
  }

  private static let scale = parameter(
    "scale", "二维码每格几个像素", ["type": "integer", "minimum": 1, "maximum": 40, "default": 6])

  private static func picture(_ type: String) -> (key: String, value: JSON) { (type, ["schema": ["type": "string"]]) }

  private static func operation(
    _ id: String, _ summary: String, _ description: String, _ parameters: [JSON],
    _ content: [(key: String, value: JSON)]
  ) -> JSON {
    .object([
      ("operationId", .string(id)), ("summary", .string(summary)), ("description", .string(description)),
      ("tags", ["标准地址"]), ("parameters", .array(parameters)),
      (
        "responses",
        .object(
          [("200", ["description": "地址和二维码", "content": .object(content)])] + OpenAPI.refusals
            + [("410", OpenAPI.answer("地址已注销", OpenAPI.reference("Refusal")))])
      ),
    ])
  }

  private static let one = operation(
    "read_address_qr", "一个标准地址的二维码", "按地址编码取二维码：JSON（内容和 Base64 的 PNG）、PNG 或 SVG。只给出密钥数据范围内的地址。",
    [
      parameter("code", "地址编码", ["type": "string", "minLength": 1, "maxLength": 32], place: "path"),
      parameter("format", "json（默认）、png、svg", ["type": "string", "enum": ["json", "png", "svg"]]), scale,
    ],
    [
      ("application/json", ["schema": OpenAPI.reference("AddressQR")]), picture("image/png"), picture("image/svg+xml"),
    ])

  private static let many = operation(
    "list_address_qr", "一批标准地址和二维码",
    "筛选条件与 GET /api/r/address 相同，如 division_code.prefix、updated_at.from；每页最多 200 条，用 after 翻页。"
      + "format=zip 给出每个地址一张 PNG 和 addresses.csv，下一页的位置在响应头 X-Next。",
    [
      parameter("division_code.prefix", "区划代码开头", ["type": "string", "maxLength": 15]),
      parameter("updated_at.from", "从什么时间起改过", ["type": "string"]),
      parameter("size", "每页条数", ["type": "integer", "minimum": 1, "maximum": 200, "default": 50]),
      parameter("after", "上一页给出的翻页位置", ["type": "string"]),
      parameter("format", "json（默认）、zip", ["type": "string", "enum": ["json", "zip"]]), scale,
    ],
    [
      (
        "application/json",
        [
          "schema": [
            "type": "object", "required": ["items", "count", "countIsEstimate"],
            "properties": [
              "items": ["type": "array", "items": OpenAPI.reference("AddressQR")], "count": ["type": "integer"],
              "countIsEstimate": ["type": "boolean"], "next": ["type": "string"],
            ],
          ]
        ]
      ), picture("application/zip"),
    ])

  private static let text: JSON = ["type": ["string", "null"]]

  private static let schema: JSON = [
    "type": "object", "required": ["id", "code", "fullName", "status", "updatedAt", "qr"],
    "properties": [
      "id": ["type": "integer", "format": "int64"], "code": text, "fullName": text, "kind": text, "status": text,
      "divisionCode": text, "plateStatus": text, "updatedAt": ["type": "string", "format": "date-time"],
      "qr": [
        "type": ["object", "null"], "description": "注销的地址为 null",
        "properties": [
          "content": ["type": "string", "description": "二维码里的文字"], "mediaType": ["type": "string"],
          "contentEncoding": ["type": "string"], "data": ["type": "string", "contentEncoding": "base64"],
        ],
      ],
    ],
  ]
}
