import Core
import Entities

/// The paths of ``FeatureRoutes`` in the OpenAPI document.
struct FeatureDescription {
  let catalog: Catalog

  var paths: [(key: String, value: JSON)] {
    let base = FeatureRoutes.base
    var paths: [(key: String, value: JSON)] = [
      (base, get("features_landing", "地理要素接口的起点", answer: "application/json")),
      ("\(base)/conformance", get("features_conformance", "符合的标准", answer: "application/json")),
      ("\(base)/collections", get("features_collections", "可见的要素集", answer: "application/json")),
    ]
    for collection in catalog.entities.compactMap(FeatureCollection.init) {
      let (name, label) = (collection.entity.name, collection.entity.label)
      let path = "\(base)/collections/\(name)"
      paths.append((path, get("features_\(name)", "\(label)要素集", answer: "application/json")))
      paths.append(
        (
          "\(path)/items",
          get(
            "features_\(name)_items", "\(label)的要素", parameters: FeatureDescription.parameters + filters(collection),
            answer: FeatureRoutes.geoJSON)
        ))
      let id: JSON = [
        "name": "featureId", "in": "path", "required": true, "schema": ["type": "integer", "format": "int64"],
      ]
      paths.append(
        (
          "\(path)/items/{featureId}",
          get("features_\(name)_item", "一个\(label)要素", parameters: [id], answer: FeatureRoutes.geoJSON)
        ))
    }
    return paths
  }

  private func get(_ id: String, _ summary: String, parameters: [JSON] = [], answer type: String) -> JSON {
    let format: JSON = ["name": "f", "in": "query", "schema": ["type": "string", "enum": ["json"]]]
    let schema: JSON = ["schema": ["type": "object"]]
    let refusal: JSON = [
      "description": "请求有误、没有权限或没有找到",
      "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Refusal"]]],
    ]
    return [
      "get": [
        "operationId": .string(id), "summary": .string(summary), "tags": ["地理要素"],
        "parameters": .array(parameters + [format]),
        "responses": [
          "200": ["description": .string(summary), "content": .object([(type, schema)])],
          "4XX": refusal,
        ],
      ]
    ]
  }

  private static let parameters: [JSON] = [
    [
      "name": "limit", "in": "query", "description": "一页最多几个要素", "style": "form", "explode": false,
      "schema": [
        "type": "integer", "minimum": 1, "maximum": .int(Int64(ListQuery.maximumLimit)),
        "default": .int(Int64(FeatureCollection.defaultLimit)),
      ],
    ],
    [
      "name": "bbox", "in": "query", "description": "西,南,东,北（CRS84）", "style": "form", "explode": false,
      "schema": ["type": "array", "items": ["type": "number"], "minItems": 4, "maxItems": 6],
    ],
    [
      "name": "bbox-crs", "in": "query", "style": "form", "explode": false,
      "schema": ["type": "string", "format": "uri", "enum": [.string(FeatureCollection.crs84)]],
    ],
    [
      "name": "datetime", "in": "query", "description": "最近更新时间，或以 / 隔开的起止时间", "style": "form", "explode": false,
      "schema": ["type": "string"],
    ],
    [
      "name": .string(FeatureCollection.cursorName), "in": "query", "description": "翻页位置，取自 next 链接",
      "schema": ["type": "string"],
    ],
  ]

  private func filters(_ collection: FeatureCollection) -> [JSON] {
    let types = OpenAPI(catalog: catalog, title: "")
    return collection.filters.map { field in
      [
        "name": .string(field.name), "in": "query", "description": .string(field.label), "style": "form",
        "explode": false, "schema": field.multiple ? ["type": "string"] : types.type(field),
      ]
    }
  }
}
