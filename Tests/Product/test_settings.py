"""Settings that take effect at once: dictionaries, parameters, registers made at run time."""

import re
import secrets

from clients import until
from playwright.sync_api import expect


def test_a_new_code_can_be_chosen_in_a_form(visit):
    page, mark = visit("sysadmin"), secrets.token_hex(3)
    page.goto("/settings/dictionaries/facility_kind")
    page.get_by_role("link", name="新增编码").click()
    page.locator("#f-code").fill(f"study_{mark}")
    page.locator("#f-label").fill(f"自习室{mark}")
    page.get_by_role("button", name="新增编码").click()
    expect(page.get_by_text(f"已新增编码“自习室{mark}”，即刻生效。")).to_be_visible()
    list_page = visit("leader")
    list_page.goto("/r/public_facility")
    kinds = list_page.locator("select[name=kind] option")
    expect(kinds.filter(has_text=f"自习室{mark}")).to_have_count(1)


def test_a_parameter_is_checked_changed_and_set_back(visit):
    page = visit("sysadmin")
    page.goto("/settings/parameters")
    page.get_by_role("link", name="密码有效期").click()
    value = page.get_by_label("密码有效期")
    value.fill("5000")
    page.get_by_role("button", name="保存参数").click()
    expect(page.get_by_role("alert")).to_contain_text("密码有效期")
    expect(value).to_have_value("5000")
    value.fill("180")
    page.get_by_role("button", name="保存参数").click()
    row = page.get_by_role("row").filter(has_text="密码有效期")
    expect(row).to_contain_text("180 天")
    expect(row).to_contain_text("已改")
    page.get_by_role("link", name="密码有效期").click()
    page.get_by_role("button", name="恢复默认值").click()
    expect(row).to_contain_text("90 天")
    expect(row).to_contain_text("默认")


def test_another_city_has_its_own_name_and_its_own_place_on_the_map(visit, city):
    code = city.sql("select code from address where kind = 'roadside' and code is not null order by id limit 1")
    page, stranger = visit("sysadmin"), visit(None, "phone")
    for path in ["/", f"/d/{code}"]:
        stranger.goto(path)
        expect(stranger).to_have_title(re.compile("达州市$"))

    def change(label, value):
        page.goto("/settings/parameters")
        page.get_by_role("link", name=label, exact=True).click()
        if value is None:
            page.get_by_role("button", name="恢复默认值").click()
        else:
            page.get_by_label(label).fill(value)
            page.get_by_role("button", name="保存参数").click()
        expect(page).to_have_url(re.compile("/settings/parameters$"))
    try:
        change("城市名称", "铜陵市")
        change("地图中心经度", "117.812")
        for path in ["/", f"/d/{code}"]:
            stranger.goto(path)
            # What is kept of a page is forgotten a moment after the change.
            expect(until_titled(stranger, "铜陵市")).to_have_title(re.compile("铜陵市$"))
        assert '"center":[117.812,' in visit("leader").request.get("/map").text().replace("&quot;", '"')
        stranger.goto("/")
        expect(stranger.locator("meta[name=map-start]")).to_have_attribute("content", "117.812,31.209")
    finally:
        change("城市名称", None)
        change("地图中心经度", None)


def until_titled(page, city):
    until(lambda: page.reload() and page.title().endswith(city))
    return page


def test_a_register_made_at_run_time_is_used_after_it_is_granted(visit, city):
    page, name = visit("sysadmin"), f"point_{secrets.token_hex(3)}"
    label = f"便民点{name[-6:]}"
    page.goto("/settings/registers")
    page.get_by_role("link", name="新建登记表").click()
    basics = page.locator("#basics")
    basics.locator("#f-label").fill(label)
    basics.locator("#f-name").fill(name)
    page.get_by_role("button", name="去掉字段 2").click()
    page.get_by_role("button", name="检查并预览").last.click()
    expect(page.get_by_role("main")).to_contain_text(name)
    page.get_by_role("button", name="建立登记表").click()
    expect(page.get_by_text(f"登记表“{label}”已建立。")).to_be_visible()

    # The security officer, who cannot make registers, grants it to a role.
    officer = visit("secadmin")
    for action in ("view", "create"):
        officer.goto("/r/role_grant/new")
        role = officer.get_by_role("combobox", name="角色")
        role.fill("社区工作人员")
        officer.get_by_role("option").filter(has_text="社区工作人员").click()
        officer.get_by_role("textbox", name="对象").fill(name)
        officer.get_by_role("textbox", name="操作").fill(action)
        officer.locator("#f-scope").select_option(label="全部")
        officer.get_by_role("button", name="保存角色权限").click()
        expect(officer.get_by_text("已新建角色权限")).to_be_visible()

    clerk = visit("clerk")
    clerk.goto(f"/r/{name}/new")
    clerk.get_by_label("名称").fill("百花社区便民服务点")
    clerk.get_by_role("button", name=f"保存{label}").click()
    expect(clerk.get_by_role("heading", level=1)).to_have_text("百花社区便民服务点")
    clerk.goto(f"/r/{name}")
    expect(clerk.locator("#list")).to_contain_text("百花社区便民服务点")
    assert re.fullmatch(r"\d+", city.sql(f"select id from {name}"))


def test_an_own_parameter_is_added_used_and_deleted(visit, clients, city):
    page, name = visit("sysadmin"), f"hotline_{secrets.token_hex(3)}"
    label = f"咨询电话{name[-6:]}"
    page.goto("/settings/parameters")
    page.get_by_role("link", name="新增参数").click()
    page.get_by_label("代号").fill(name)
    page.get_by_label("名称").fill(label)
    page.get_by_label("类型").select_option("integer")
    page.get_by_label("初始值").fill("很多")
    page.get_by_role("button", name="新增参数").click()
    expect(page.get_by_role("alert")).to_contain_text("默认值不对")
    page.get_by_label("初始值").fill("12345")
    page.get_by_label("最大").fill("99999")
    page.get_by_label("说明").fill("群众来电咨询")
    page.get_by_role("button", name="新增参数").click()
    expect(page.get_by_text(f"已新增参数“{label}”，即刻可用。")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("还没有用到")
    value = page.get_by_label(label)
    value.fill("123456")
    page.get_by_role("button", name="保存参数").click()
    expect(page.get_by_role("alert")).to_contain_text("99999")
    value.fill("12348")
    page.get_by_role("button", name="保存参数").click()
    expect(page.get_by_role("row").filter(has_text=label)).to_contain_text("12348")

    # Nobody but the administrator, and none that ships.
    officer, admin = clients("secadmin"), clients("sysadmin")
    assert officer.post(f"/settings/parameters/own.{name}/remove").status_code == 403
    assert admin.post("/settings/parameters/identity.lock_after/remove").status_code == 404
    assert admin.post("/settings/declarations/parameters.own/withdraw").status_code == 409

    page.goto(f"/settings/parameters/own.{name}")
    page.locator("summary").filter(has_text="更多").click()
    page.get_by_role("link", name="删除参数").click()
    page.get_by_role("button", name="删除参数").click()
    expect(page.get_by_text(f"已删除参数“{label}”。")).to_be_visible()
    assert city.sql(f"select count(*) from parameter_value where name = 'own.{name}'") == "0"
    done = city.sql(
        f"select string_agg(action, ' ' order by id) from audit_entry where details->>'name' = 'own.{name}'")
    assert done == "parameter.create parameter.update parameter.delete"
