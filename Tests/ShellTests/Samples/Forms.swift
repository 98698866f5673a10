import HTML
import Shell

extension Samples {
  static func sections(failed: Bool) -> [FormSection] {
    [
      FormSection(
        id: "base", "基本信息",
        fields: [
          Field(
            "code", "楼栋编码", .text("B511702000124", .init(maximum: 32, width: 20, isCode: true)), help: "保存时自动编号，不能修改。",
            isReadOnly: true),
          Field("name", "名称", .text("金龙家园 1 栋", .init(maximum: 60)), isRequired: true, help: "与楼体标牌一致，例如“金龙家园 1 栋”。"),
          Field(
            "kind", "类型", .select(failed ? "" : "residential", kinds), isRequired: true, error: failed ? "请选择类型" : nil,
            refreshesForm: true),
          Field(
            "address", "标准地址",
            .reference(
              .init(
                value: failed ? "" : "88", text: failed ? "大北街 16" : "达州市通川区东城街道大北街 16 号", source: "/addresses/options",
                candidates: failed
                  ? [
                    Choice("88", "大北街 16 号", detail: "通川区东城街道 · 511702001"),
                    Choice("89", "大北街 16 号附 1", detail: "通川区东城街道 · 511702001"),
                  ] : [], createPath: "/addresses/new")), isRequired: true,
            error: failed ? "“大北街 16”对应 2 条标准地址，请选一条" : nil),
          Field(
            "source_kind", "数据来源",
            .radio("survey", [Choice("survey", "实地采集", detail: "采集员到现场核实"), Choice("archive", "档案转录")])),
        ]),
      FormSection(
        id: "scale", "规模", help: "没有把握的可以先不填，核实后再补。",
        fields: [
          Field(
            "storeys", "地上层数", .number(failed ? "280" : "18", unit: "层", minimum: "1", maximum: "200"),
            isRequired: true, error: failed ? "地上层数不能大于 200" : nil),
          Field("area", "建筑面积", .number("15230.5", unit: "㎡", step: "0.1"), source: "来自不动产登记 2026-11-20"),
          Field("built_on", "竣工日期", .date("2009-06-30")),
          Field("checked_at", "核实时间", .dateTime("2026-11-20T09:30")),
          Field("fund", "维修资金余额", .money("1234567.80")),
          Field(
            "uses", "用途",
            .checkboxes(["live", "shop"], [Choice("live", "居住"), Choice("shop", "底商"), Choice("park", "地下车库")])),
          Field("lift", "", .checkbox(true, caption: "装有电梯")),
        ]),
      FormSection(
        id: "place", "位置与照片",
        fields: [
          Field(
            "location", "位置", .point(.init(longitude: "107.468025", latitude: "31.209571")),
            help: "CGCS2000 经纬度，精确到小数点后 6 位。"),
          Field(
            "photo", "楼体照片",
            .file(
              .init(
                accept: "image/*", allowsSeveral: true, limit: "JPG 或 PNG，每张不超过 10 MB，最多 6 张",
                present: [.init(id: "3", name: "正面.jpg", path: "/files/3", detail: "1.2 MB · 2026-11-20")]))),
        ]),
      FormSection(
        id: "contact", "联系人", help: "只有本单位的核查员能看到，每次查看都有记录。",
        fields: [
          Field("manager", "楼栋长", .text("王建国", .init(maximum: 20, width: 12)), isPrivate: true),
          Field("phone", "联系电话", .text("13800001234", .phone), isRequired: true, isPrivate: true),
          Field("note", "备注", .longText("3 单元门禁 11 月 25 日更换。", maximum: 500)),
        ]),
    ]
  }

  static func form(_ size: TextSize) -> [UInt8] {
    Page(
      title: "编辑楼栋", visit: visit("/buildings/new", textSize: size),
      crumbs: [Crumb("标准地址"), Crumb("楼栋", "/buildings"), Crumb("金龙家园 1 栋", "/buildings/1"), Crumb("编辑")]
    ) {
      FormView(
        path: "/buildings/1", sections: sections(failed: false),
        submit: Action("保存楼栋", .submit(name: nil, value: nil), style: .primary),
        others: [Action("保存并新建下一栋", .submit(name: "next", value: "1"))], cancelPath: "/buildings/1",
        hidden: [HiddenField("version", "4")],
        draftKey: "building/1", isMultipart: true, note: "保存后 12 条房屋地址会跟着更新")
    }.render()
  }

  static func formWithErrors(_ size: TextSize) -> [UInt8] {
    Page(
      title: "编辑楼栋", visit: visit("/buildings/new", textSize: size), crumbs: [Crumb("楼栋", "/buildings"), Crumb("编辑")]
    ) {
      FormView(
        path: "/buildings/1", sections: sections(failed: true),
        errors: [
          FieldError("kind", "请选择类型"), FieldError("address", "“大北街 16”对应 2 条标准地址，请选一条"),
          FieldError("storeys", "地上层数不能大于 200"),
        ], submit: Action("保存楼栋", .submit(name: nil, value: nil), style: .primary), cancelPath: "/buildings/1")
    }.render()
  }

  static func confirm(_ size: TextSize) -> [UInt8] {
    confirmation.page(visit: visit("/people", textSize: size)).render()
  }

  static var confirmation: Confirmation {
    Confirmation(
      title: "查看王*国的身份证号？",
      consequences: ["本次查看会记入审计，包括时间、用途和您的单位", "王*国本人可以在“谁看过我的信息”里看到这次查看"],
      fields: [
        Field(
          "purpose", "用途", .select("", [Choice("case", "办理案件或业务"), Choice("visit", "入户走访"), Choice("check", "信息核实")]),
          isRequired: true),
        Field(
          "reason", "说明", .text("", .init(maximum: 60, placeholder: "例如：办理居住证，受理号 JZ20261121003")), isRequired: true,
          isPrivate: true),
      ], path: "/people/1/reveal", hidden: [HiddenField("field", "resident_id")], submit: "查看完整号码",
      cancelPath: "/people/1")
  }
}
