package import HTML

/// How many records there are.
package enum PageTotal: Sendable, Hashable {
  case exact(Int)
  /// Estimated by the planner, because counting would take longer than reading (约).
  case about(Int)

  package var count: Int {
    switch self {
    case .exact(let count), .about(let count): count
    }
  }

  /// `1,234` or `约 1,230,000`.
  package var text: String {
    switch self {
    case .exact(let count): grouped(count)
    case .about(let count): "约 \(grouped(PageTotal.rounded(count)))"
    }
  }

  /// Two significant digits and a half: an estimate should not look like a count.
  private static func rounded(_ count: Int) -> Int {
    var unit = 1
    while count / unit >= 1000 { unit *= 10 }
    return (count + unit / 2) / unit * unit
  }
}

/// Where one is in a long list, and the way on.
package struct Pager: HTMLConvertible {
  let total: PageTotal
  let page: Int
  let size: Int
  let shown: Int
  let sizes: [Int]
  let path: (_ page: Int, _ size: Int) -> String

  /// - Parameters:
  ///   - page: this page, from 1.
  ///   - size: rows on a page.
  ///   - shown: rows on this page.
  ///   - sizes: what may be chosen; empty for pages of one size.
  ///   - path: the address of the list at a page with a size.
  package init(
    total: PageTotal, page: Int, size: Int, shown: Int, sizes: [Int] = [20, 50, 100, 200],
    path: @escaping (_ page: Int, _ size: Int) -> String
  ) {
    self.total = total
    self.page = page
    self.size = size
    self.shown = shown
    self.sizes = sizes
    self.path = path
  }

  private var lastPage: Int { max(1, (total.count + size - 1) / size) }

  /// An estimate may be too low, so a full page always offers a next one.
  private var hasNext: Bool {
    switch total {
    case .exact: page < lastPage
    case .about: shown == size
    }
  }

  package var html: HTML {
    nav(.class("pager"), .aria(.label, "分页")) {
      p(.class("pager-total")) {
        "共 "
        strong { total.text }
        " 条"
        if shown > 0 { span(.class("pager-range")) { "，本页第 \(range) 条" } }
      }
      if !sizes.isEmpty { sizeChoice }
      steps
    }
  }

  private var range: String {
    let first = (page - 1) * size + 1
    return "\(grouped(first))–\(grouped(first + shown - 1))"
  }

  private var sizeChoice: HTML {
    ul(.class("pager-sizes"), .aria(.label, "每页条数")) {
      for choice in sizes {
        li {
          if choice == size {
            span(.aria(.current, "true")) { "\(choice)" }
          } else {
            a(.href(path(1, choice)), .data("data-list-link"), .aria(.label, "每页 \(choice) 条")) { "\(choice)" }
          }
        }
      }
      li(.class("pager-unit"), .aria(.hidden, true)) { "条/页" }
    }
  }

  private var steps: HTML {
    ul(.class("pager-steps")) {
      li { step(.left, "上一页", page > 1 ? page - 1 : nil, rel: "prev") }
      for number in numbers {
        li(.class("pager-number")) {
          switch number {
          case nil: span(.class("gap")) { "…" }
          case page?: span(.aria(.current, "page")) { grouped(page) }
          case let other?:
            a(.href(path(other, size)), .data("data-list-link"), .aria(.label, "第 \(other) 页")) { grouped(other) }
          }
        }
      }
      li { step(.right, "下一页", hasNext ? page + 1 : nil, rel: "next") }
    }
  }

  private func step(_ icon: Icon, _ name: String, _ target: Int?, rel: String) -> HTML {
    guard let target else {
      return span(.class("step"), .aria(.disabled, true)) { icon.html(named: name) }
    }
    return a(.class("step"), .href(path(target, size)), .rel(rel), .data("data-list-link")) {
      icon.html(named: name)
    }
  }

  /// The first, the last and those around this page; `nil` is a gap.
  private var numbers: [Int?] {
    guard lastPage > 1 else { return [page] }
    let near = Set([1, lastPage, page - 1, page, page + 1]).filter { $0 >= 1 && $0 <= max(lastPage, page) }
    var numbers: [Int?] = []
    var previous = 0
    for number in near.sorted() {
      if number == previous + 2 { numbers.append(previous + 1) }
      if number > previous + 2 { numbers.append(nil) }
      numbers.append(number)
      previous = number
    }
    return numbers
  }
}
