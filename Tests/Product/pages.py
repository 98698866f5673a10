"""Every kind of page, who opens it, and how its address is found in the demo city."""


def record(table, where="true"):
    return lambda city: city.sql(f"select id from {table} where {where} order by id limit 1")


def plate(city):
    return city.resident()["code"]


HOME = "division_code = '511702001001'"

# Name: (account, address, what fills its braces). No account is a stranger.
KINDS = {
    "welcome": (None, "/", None),
    "sign-in": (None, "/sign-in", None),
    "scan": (None, "/d/{}", plate),
    "scan of staff": ("station", "/d/{}", plate),
    "scan of the resident": ("resident", "/d/{}", plate),
    "surroundings": (None, "/d/{}/map", plate),
    "look-up of a stranger": (None, "/lookup?code=0", None),
    "workbench": ("leader", "/", None),
    "home of a resident": ("resident", "/", None),
    "look-up": ("officer", "/lookup?q=米市", None),
    "search": ("leader", "/search?q=东城", None),
    "help": ("officer", "/help", None),
    "map": ("leader", "/map?q=米市", None),
    "list": ("station", "/r/address?kind=room&size=20", None),
    "empty list": ("clerk", "/r/address?q=没有这样的地址", None),
    "statistics": ("leader", "/r/address/statistics", None),
    "detail": ("station", "/r/address/{}", record("address", f"kind = 'room' and {HOME}")),
    "detail of a person": ("station", "/r/person/{}", lambda city: city.resident()["person"]),
    "form": ("station", "/r/address/{}/edit", record("address", f"kind = 'room' and {HOME}")),
    "new record": ("officer", "/r/person/new", None),
    "history": ("leader", "/r/address/{}/history", record("address", HOME)),
    "confirmation": ("officer", "/r/address/{}/do/doubt", record("address", HOME)),
    "reveal": ("station", "/r/person/{}/reveal", lambda city: city.resident()["person"]),
    "missing record": ("officer", "/r/address/1", None),
    "no permission": ("officer", "/logs", None),
    "import of addresses": ("station", "/import/addresses", None),
    "import": ("station", "/r/road/import", None),
    "export": ("leader", "/r/address/export?kind=building", None),
    "account": ("officer", "/account", None),
    "password": ("officer", "/account/password", None),
    "second factor": ("clerk", "/account/second-factor", None),
    "who looked": ("resident", "/account/lookups", None),
    "users": ("sysadmin", "/r/app_user?size=20", None),
    "dictionaries": ("sysadmin", "/settings/dictionaries", None),
    "dictionary": ("sysadmin", "/settings/dictionaries/address_kind", None),
    "code": ("sysadmin", "/settings/dictionaries/address_kind/new", None),
    "parameters": ("sysadmin", "/settings/parameters", None),
    "parameter": ("sysadmin", "/settings/parameters/identity.password_days", None),
    "registers": ("sysadmin", "/settings/registers", None),
    "register": ("sysadmin", "/settings/registers/address", None),
    "new register": ("sysadmin", "/settings/registers/new", None),
    "online users": ("secadmin", "/online", None),
    "log": ("auditor", "/logs", None),
    "log entry": ("auditor", "/logs/{}", record("audit_entry")),
    "log statistics": ("auditor", "/logs/statistics", None),
    "log of calls": ("auditor", "/logs/calls", None),
}


def address(kind, city):
    """Who opens a page of this kind, and where."""
    account, path, filling = KINDS[kind]
    return account, path.format(filling(city)) if filling else path
