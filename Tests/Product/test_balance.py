"""Several nodes behind a real nginx: requests are shared out, a session and a change hold on all, and one node may go."""

import os
import shutil
import socket
import subprocess

import pytest
import requests
from clients import Client, until

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def balanced(city, tmp_path):
    """Two more nodes on the city's database, and the balancer before them."""
    port, nodes = free_port(), [free_port(), free_port()]
    (tmp_path / "nginx.conf").write_text(f"""
        daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; worker_processes 1;
        events {{ worker_connections 64; }}
        http {{
          log_format node $upstream_addr;
          access_log {tmp_path}/access.log node;
          client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b; fastcgi_temp_path {tmp_path}/c;
          uwsgi_temp_path {tmp_path}/d; scgi_temp_path {tmp_path}/e;
          upstream lifang {{ {" ".join(f"server 127.0.0.1:{node} max_fails=1 fail_timeout=30s;" for node in nodes)} }}
          server {{
            listen 127.0.0.1:{port};
            location / {{
              proxy_pass http://lifang;
              proxy_next_upstream error timeout;
              proxy_set_header Host $host:$server_port;
              proxy_set_header X-Forwarded-For $remote_addr;
            }}
          }}
        }}""")
    if os.geteuid() == 0:
        # nginx and the nodes work as others.
        for folder in [tmp_path, *tmp_path.parents][:3]:
            subprocess.run(["chmod", "a+rwX", folder], check=True)
    servers = []
    with open(tmp_path / "node.log", "wb") as log:
        for node in nodes:
            servers.append(subprocess.Popen(
                [city.lifang, "serve", "--data", city.data, "--port", str(node), "--trusted-proxy", "127.0.0.1"], stdout=log, stderr=log))
        proxy = subprocess.Popen([NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL)

    def answers(address):
        try:
            return requests.get(f"http://127.0.0.1:{address}/healthz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    try:
        until(lambda: all(answers(one) for one in [*nodes, port]), 90)
        yield f"http://127.0.0.1:{port}", nodes, servers, tmp_path / "access.log"
    finally:
        for process in [proxy, *servers]:
            if process.poll() is None:
                process.terminate()
                process.wait(20)


def test_nodes_share_the_work_and_one_of_them_may_go(balanced, city):
    base, nodes, servers, log = balanced
    client = Client(base)
    client.sign_in("station", city.accounts["station"])
    number = city.sql("select id from address where kind = 'roadside' and status <> 'cancelled' and division_code like '511702001%' order by id desc limit 1")
    for turn in range(10):
        changed = client.send("PATCH", f"/api/r/address/{number}", {"note": f"第 {turn} 次"})
        assert changed.status_code == 200, changed.text
        # The other node has the next request, and sees the change at once.
        assert client.json(f"/api/r/address/{number}").json()["note"] == f"第 {turn} 次"
    served = log.read_text().split()
    assert {f"127.0.0.1:{node}" for node in nodes} <= set(served), served[-20:]
    servers[0].kill()
    servers[0].wait(20)
    for _ in range(6):
        assert client.json(f"/api/r/address/{number}").status_code == 200
    changed = client.send("PATCH", f"/api/r/address/{number}", {"note": "一个节点停了"})
    assert changed.status_code == 200 and city.sql(f"select note from address where id = {number}") == "一个节点停了"
