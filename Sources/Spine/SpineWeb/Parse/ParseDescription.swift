import Addresses
import Core
package import EntitiesWeb

/// The interface of the parser of addresses as OpenAPI describes it.
package enum ParseDescription {
  package static let part = OpenAPI.Part(paths: [("/api/address/parse", parse)], schemas: [("ParsedAddress", parsed)])

  private static let parse: JSON = [
    "post": [
      "operationId": "parse_addresses", "summary": "把地址文本拆成带类别的部分", "tags": ["标准地址"],
      "requestBody": [
        "required": true,
        "content": [
          "application/json": [
            "schema": [
              "type": "object", "required": ["addresses"],
              "properties": [
                "addresses": [
                  "type": "array", "minItems": 1, "maxItems": .int(Int64(AskedAddresses.mostInInterface)),
                  "items": ["type": "string", "maxLength": .int(Int64(AskedAddresses.longest))],
                ]
              ],
            ]
          ]
        ],
      ],
      "responses": [
        "200": [
          "description": "逐条的解析结果，顺序与请求相同",
          "content": [
            "application/json": [
              "schema": [
                "type": "object", "required": ["items"],
                "properties": ["items": ["type": "array", "items": OpenAPI.reference("ParsedAddress")]],
              ]
            ]
          ],
        ], "400": ["description": "请求有误"], "401": ["description": "没有登录或密钥无效"], "403": ["description": "没有权限"],
        "422": ["description": "内容不符合规则"], "429": ["description": "调用太频繁"], "503": ["description": "解析模型不可用"],
      ],
    ]
  ]

  private static let parsed: JSON = [
    "type": "object", "required": ["text", "parts"],
    "properties": [
      "text": ["type": "string"],
      "parts": [
        "type": "array", "description": "按原文顺序，首尾相接，合起来就是原文",
        "items": [
          "type": "object", "required": ["label", "text"],
          "properties": [
            "label": [
              "type": "string", "enum": .array(AddressLabel.allCases.map { .string($0.name) }),
              "description": .string(AddressLabel.allCases.map { "\($0.name) \($0.title)" }.joined(separator: "，")),
            ],
            "text": ["type": "string", "minLength": 1],
          ],
        ],
      ],
    ],
  ]
}
