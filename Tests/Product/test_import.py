"""Tables in and out: the address list with its own importer, registers with the general one."""

import csv
import io
import re
import secrets

import pytest
from playwright.sync_api import expect

ROWS = [
    "四川省达州市通川区东城街道百花社区滨河巷{n}号",
    "四川省达州市通川区东城街道百花社区滨河巷{n}号附1号",
    "这一行不是地址",
]


def table(number):
    lines = ["序号,门牌地址,备注"] + [f"{index},{row.format(n=number)}," for index, row in enumerate(ROWS, 1)]
    return "\r\n".join(lines) + "\r\n"


def send(page, name, content, label="上传并预览"):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name=label).click()


def rows_of(download):
    text = open(download.path(), encoding="utf-8-sig", newline="").read()
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_an_address_list_goes_from_file_to_result(visit, city, encoding):
    number = 1000 + secrets.randbelow(8000)
    page = visit("station")
    page.goto("/import/addresses")
    send(page, f"滨河巷-{encoding}.csv", table(number).encode(encoding))
    # The column is not called 地址, so it has to be named.
    column = page.get_by_label(re.compile("^地址.*列$")).first
    column.select_option(label="门牌地址")
    preview = page.locator("tbody tr")
    expect(preview).to_have_count(3)
    expect(preview.nth(0)).to_contain_text("新建")
    expect(preview.nth(0)).to_contain_text(f"滨河巷{number}号")
    expect(preview.nth(2)).to_contain_text(re.compile("拒绝|存疑"))
    assert city.sql(f"select count(*) from address where road = '滨河巷' and house_number = '{number}号'") == "0"

    page.get_by_role("button", name="开始导入").click()
    # The page follows the work by itself and is fetched again when it has ended.
    expect(page.locator(".progress .badge")).to_have_text("已完成", timeout=30_000)
    page.get_by_role("link", name="查看逐行结果").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("导入结果")
    page.locator(".tabs").get_by_role("link", name="新建").click()
    expect(page.locator("tbody tr").first).to_contain_text(f"滨河巷{number}号")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载全部结果").click()
    head, *rows = rows_of(download.value)
    assert head[:4] == ["行", "原文", "结论", "说明"]
    assert [row[1] for row in rows] == [row.format(n=number) for row in ROWS]
    assert rows[0][2] == "新建" and re.fullmatch(r"511702001\d{10}", rows[0][4])
    assert city.sql(f"select code from address where road = '滨河巷' and house_number = '{number}号' and sub_number is null") == rows[0][4]


def test_a_word_of_place_behind_an_address_becomes_its_direction(visit, city):
    number = 1000 + secrets.randbelow(8000)
    page = visit("station")
    page.goto("/import/addresses")
    lines = [f"四川省达州市通川区东城街道百花社区滨河巷{number}号里面", f"四川省达州市通川区东城街道百花社区滨河巷{number + 1}号"]
    send(page, "方位.txt", "\r\n".join(lines).encode())
    expect(page.locator("tbody tr").first).to_contain_text("新建")
    page.get_by_role("button", name="开始导入").click()
    expect(page.locator(".progress .badge")).to_have_text("已完成", timeout=30_000)
    kept = city.sql(f"select house_number, coalesce(direction, '') from address where road = '滨河巷' and house_number in ('{number}号', '{number + 1}号') order by 1")
    assert sorted(kept.splitlines()) == sorted([f"{number}号|inside", f"{number + 1}号|"])


def test_a_text_of_a_windows_editor_holds_an_address_a_line(visit):
    page = visit("station")
    page.goto("/import/addresses")
    number = 1000 + secrets.randbelow(8000)
    lines = [f"四川省达州市通川区东城街道百花社区滨河巷{number + n}号" for n in range(3)]
    send(page, "地址.txt", "\r\n".join(lines).encode())
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    for row, line in zip(rows.all(), lines):
        expect(row).to_contain_text(line)
        expect(row).to_contain_text("新建")


def test_what_is_no_table_is_refused_before_anything_happens(visit):
    page = visit("station")
    page.goto("/import/addresses")
    send(page, "照片.xlsx", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page).to_have_url(re.compile("/import/addresses$"))


def test_a_register_comes_in_from_a_table_and_goes_out_again(visit, city):
    page = visit("station")
    page.goto("/r/road")
    page.get_by_role("link", name="导入", exact=True).click()
    with page.expect_download() as download:
        page.get_by_text("更多", exact=True).click()
        page.get_by_role("link", name="下载 CSV 模板").click()
    headings = rows_of(download.value)[0]
    name = next(heading for heading in headings if "名称" in heading)
    mark = secrets.token_hex(3)
    columns = {name: [f"试验{mark}巷甲", f"试验{mark}巷乙", ""]}
    kinds = city.sql("select kind from road limit 1")
    for heading in headings:
        if heading.startswith("类型") or heading.startswith("街巷类型") or "类别" in heading:
            columns[heading] = [kinds] * 3
        elif heading.startswith("所在区划"):
            columns[heading] = ["511702001001"] * 3
    lines = [",".join(columns)] + [",".join(cells) for cells in zip(*columns.values())]
    send(page, "街巷.csv", "\r\n".join(lines).encode("gb18030"))
    expect(page.get_by_role("heading", name="列的对应")).to_be_visible()
    outcomes = page.locator("section.card").filter(has_text="行的结论").locator("tbody tr")
    expect(outcomes).to_have_count(3)
    expect(outcomes.nth(0)).to_contain_text("新增")
    expect(outcomes.nth(2)).to_contain_text("未导入")
    page.get_by_role("button", name="按以上预览开始导入").click()
    expect(page.locator(".progress .badge")).to_have_text("已完成", timeout=30_000)
    page.get_by_role("link", name="查看逐行结果").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("导入结果：街巷.csv")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert city.sql(f"select count(*) from road where name like '试验{mark}巷_'") == "2"

    page.goto(f"/r/road?q=试验{mark}")
    page.get_by_role("link", name="导出", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("共 2 条")
    page.get_by_label("CSV 文本").check()
    page.get_by_role("combobox", name="用途").select_option(index=1)
    with page.expect_download() as download:
        page.get_by_role("button", name="导出街巷").click()
    head, *rows = rows_of(download.value)
    assert sorted(row[head.index(next(h for h in head if "名称" in h))] for row in rows) == [f"试验{mark}巷乙", f"试验{mark}巷甲"]
