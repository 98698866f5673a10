/// The words that the segmenter's rules know, by what they tell.
///
/// Chosen by hand from how addresses are written; names of places are in the ``Gazetteer``.
enum AddressTerm: Int32 {
  /// Ends the name of a road: 路, 大道, 巷.
  case road = 1
  /// A part of a road: 东段, 支路.
  case roadPart
  /// Ends the name of a community or village.
  case community
  /// Ends the name of a place for certain: 小区, 大厦, 公司.
  case place
  /// Names a part of a place: 北门, 地下室.
  case part
  /// Says where relative to something: 对面, 交叉口.
  case assist
  /// Joins two roads: 与, 和.
  case joint
  /// Says nothing: 电联.
  case noise
  /// Who or what desk inside a place: 前台, 仓库.
  case person
  /// Ends the name of a development zone.
  case zone
  /// Ends the name of a town.
  case town
  /// Contains one of the words above by accident: 路桥, 村镇.
  case plain

  static let trie = NameTrie(
    words.flatMap { term, list in
      list.split(whereSeparator: \.isWhitespace).map { (String($0), term.rawValue) }
    })

  /// Whether a term may start with this scalar, so that most places in a text need no look-up.
  @inline(__always)
  static func mayStart(_ scalar: UInt32) -> Bool {
    scalar < 0x10000 && starts[Int(scalar >> 6)] & (1 << UInt64(scalar & 63)) != 0
  }

  private static let starts: [UInt64] = {
    var bits = [UInt64](repeating: 0, count: 1024)
    for (_, list) in words {
      for word in list.split(whereSeparator: \.isWhitespace) {
        guard let first = word.unicodeScalars.first?.value else { continue }
        bits[Int(first >> 6)] |= 1 << UInt64(first & 63)
      }
    }
    return bits
  }()

  private static let words: [(AddressTerm, String)] = [
    (.road, "路 街 大街 大道 巷 弄 胡同 公路 国道 省道 县道 乡道 辅路 环路 高速 高速公路 步行街 里弄 环线 快速路 老街 古街 正街 横街"),
    (.roadPart, "东段 西段 南段 北段 中段 支路 支弄 支巷 上段 下段 一段 二段 三段 四段 五段 六段 七段 八段 九段"),
    (.community, "村 社区 居委会 村委会 居民委员会 村民委员会 行政村 自然村 居委 村委 生产队"),
    (
      .place,
      """
      小区 花园 家园 公寓 花苑 名苑 嘉园 雅苑 景苑 佳苑 新苑 御苑 名园 华庭 豪庭 名邸 山庄 别墅 新村 公馆 华府 大院 宿舍 佳园 人家 新城 名城
      大厦 大楼 广场 中心 写字楼 商务楼 综合楼 办公楼 市场 商城 商场 超市 购物中心 百货 批发市场 农贸市场 商贸城 建材城 家具城 电脑城 轻纺城 小商品城
      公司 有限公司 有限责任公司 股份有限公司 分公司 集团 厂 工厂 工业区 工业园 工业园区 工业城 科技园 科技园区 产业园 产业园区 创意园 软件园 物流园 园区 孵化器
      创业园 示范区 经济园 商贸区 市场区 创新园 高新园 食品城 汽配城 服装城 五金城 商业街 美食街 商业广场 商业中心 文化广场
      医院 卫生院 卫生所 卫生室 诊所 学校 大学 学院 中学 小学 幼儿园 高中 初中 职高 技校 党校 校区 培训中心 研究所 研究院 设计院
      银行 信用社 支行 分行 营业厅 营业部 营业所 邮局 派出所 公安局 法院 检察院 政府 管委会 办事处 税务局 工商局 交通局 教育局 财政局 规划局 民政局 服务中心 行政中心
      酒店 宾馆 饭店 旅馆 招待所 客栈 茶楼 网吧 酒楼 餐厅 会所 浴场 火锅店 药店 药房 便利店 专卖店 服装店 理发店 花店 门诊部
      火车站 汽车站 客运站 公交站 地铁站 加油站 收费站 车站 码头 机场 停车场 公园 体育馆 图书馆 博物馆 体育场 文化馆 纪念馆 展览馆 影院 剧院 电影院 KTV
      俱乐部 仓储 物流 快递点 驿站 服务站 基地 养老院 福利院 敬老院 市政府 区政府 镇政府 县政府 乡政府 街区
      """
    ),
    (
      .part,
      """
      东门 西门 南门 北门 正门 后门 大门 侧门 东大门 西大门 南大门 北大门 东区 西区 南区 北区 中区 东苑 西苑 南苑 北苑 东楼 西楼 南楼 北楼 主楼 副楼 裙楼 附楼
      地下室 地下车库 车库 架空层 传达室 门卫室 保安室 值班室 收发室 大厅 大堂 住院部 门诊楼 教学楼 实验楼 图书楼 食堂 厂房 东校区 西校区 南校区 北校区 商铺 店面 门面
      一期 二期 三期 四期 五期 六期
      """
    ),
    (
      .assist,
      """
      对面 斜对面 正对面 旁边 旁 附近 隔壁 门口 路口 交叉口 交叉路口 十字路口 三岔路口 丁字路口 交汇处 交界处 交界口 交界 交叉 交口 后面 前面 对过 边上 里面 外面 内部 上面 下面 楼下 楼上
      东侧 西侧 南侧 北侧 东边 西边 南边 北边 东面 西面 南面 北面 以东 以西 以南 以北 东北角 西北角 东南角 西南角 东北侧 西北侧 东南侧 西南侧 院内 入口 出口 转角处 拐角处 村口 巷口 中间 往东 往西 往南 往北
      """
    ),
    (.joint, "与 和 及 &"),
    (.noise, "NULL 其它区 其他区 电联 电话联系 请电联 打电话 市辖区 自编号 自编 丰巢 收 转"),
    (.person, "前台 仓库 办公室 财务部 财务室 财务科 门卫 总台 丰巢快递柜 快递柜 销售部 项目部 菜鸟驿站 专柜 人事部 采购部 技术部 服务台 工地 护士站 药剂科"),
    (
      .zone, "经济技术开发区 经济开发区 高新技术开发区 高新技术产业开发区 高新技术产业园区 高新区 开发区 经开区 高新园区 高新技术园区 新区 度假区 保税区 工业集聚区 产业集聚区 风景区 管理区 示范园区 工业新城"
    ),
    (.town, "街道办事处 街道 镇 乡 苏木"),
    (
      .plain,
      "街坊 路桥 乡村 路灯 道路 弄堂 街心 街边 中心村 路段 农村 新农村 和平 和谐 和睦 共和 永和 祥和 和美 和兴 和田 和顺 和义 和庄 及第 收费 收购 转塘 转盘 旁路 东和 中和 安和 人和 天和 仁和 泰和 义和 太和 和丰 和合 和村 和庭 和园 和府 和风 和盛"
    ),
  ]
}
