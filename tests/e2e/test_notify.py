"""Receivers are told by real commands, once; and no receiver harms a deployment, whatever it does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.adapters.notices.mailbox import mailbox
from tests.adapters.notices.servers import Got, web
from tests.e2e.conftest import App, Gateway, docker, free_port

pytestmark = pytest.mark.more

KEY = "whsec_" + base64.b64encode(b"correct horse battery staple").decode()
SECRETS = ("hunter2", KEY, KEY.removeprefix("whsec_"))


def is_signed(got: Got) -> bool:
    """As docs/notifications.md says that a receiver finds it out."""
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = base64.b64decode(KEY.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(got.headers["webhook-signature"], f"v1,{wanted}")


@dataclass
class Notify:
    """The receivers of one application."""

    gateway: Gateway
    app: App

    def run(self, *words: str, code: int = 0) -> str:
        environment = {"no_proxy": "*", "HITLESS_NOTIFY_SECRET": KEY}
        said = self.gateway.cli.run("gateway", "notify", *words, code=code, **environment)
        return self.clean(said)

    def add(self, name: str, url: str, *words: str) -> None:
        self.run("add", name, f"{url}/hunter2", "--application", self.app.name, *words)

    def deploy(self, *words: str, code: int = 0, **environment: str) -> str:
        return self.clean(self.app.cli.run("deploy", *words, code=code, no_proxy="*", **environment))

    def clean(self, said: str) -> str:
        assert not [one for one in SECRETS if one in said]
        return said


def test_a_deployment_is_told_whatever_its_receivers_do(app: Callable[..., App], gateway: Gateway) -> None:
    made = app()
    notify = Notify(gateway, made)
    with web() as program, web() as broken, web() as slow, mailbox() as box:
        broken.status, slow.status = 500, 0
        nobody = f"http://127.0.0.1:{free_port()}"
        for name, url in (("program", program.url), ("broken", broken.url), ("slow", slow.url)):
            notify.add(name, url)
        notify.add("nobody", nobody)
        mail = ("--from", "hitless@example.org", "--to", "ann@example.org", "--application", made.name)
        gateway.cli.run(
            *("gateway", "notify", "add", "mail", f"smtp://127.0.0.1:{box.port}", *mail, "--on", "failed")
        )
        listed = json.loads(notify.run("list", "--json"))["receivers"]
        assert {one["name"]: one["address"] for one in listed}["program"] == program.url

        # one that hangs, one that is broken, and one that is not there
        events = [json.loads(line) for line in notify.deploy("--json").splitlines()]
        assert events[-1]["event"] == "ended"
        assert events[-1]["outcome"] == "successful"
        failed = {one["receiver"]: one["reason"] for one in events if one["event"] == "not_notified"}
        assert failed.pop("slow").startswith("no answer within ")
        assert failed == {"broken": "it answers 500", "nobody": "connection refused"}
        assert made.get("/").status_code == 200
        [first] = program.got
        assert is_signed(first)
        assert first.json["type"] == "hitless.deployed"
        assert first.json["data"]["applications"] == [made.name]
        assert box.mails == []  # it wants failures
        assert [len(one.got) for one in (broken, slow)] == [1, 1]
        notify.run("remove", "slow")

        # a release that fails
        said = notify.deploy(code=1, RELEASE="2", BROKEN="exit")
        assert "not told: broken: it answers 500" in said
        _, second = program.got
        assert is_signed(second)
        assert second.json["type"] == "hitless.failed"
        assert second.json["data"]["cause"] in " ".join(said.split())
        [told] = box.mails
        assert told["To"] == "ann@example.org"
        assert told["Subject"] == second.json["data"]["summary"]
        assert f"cause: {second.json['data']['cause']}" in told.get_content().splitlines()

        # a command that is killed, which the next one tells
        killed = made.cli.start("deploy", "--json", RELEASE="3", BOOT_SECONDS="60", no_proxy="*")
        assert killed.stdout
        for line in killed.stdout:
            if '"step_progress"' in line and '"gate"' in line:
                break
        killed.kill()
        killed.communicate()
        made.cli.run("abort", no_proxy="*")
        assert [one.json["type"] for one in program.got[2:]] == ["hitless.unfinished", "hitless.rolled-back"]
        assert "was interrupted" in program.got[2].json["data"]["summary"]

        # nothing twice, nothing secret
        ids = [one.headers["webhook-id"] for one in program.got]
        assert len({*ids}) == len(ids) == 4
        assert len(broken.got) == 4
        notify.clean(made.cli.run("show"))
        mode = "stat -c %a:%u /var/lib/hitless/.receivers/*.json | sort -u"
        assert docker("exec", "-u", "0", gateway.container, "sh", "-c", mode) == "600:0"

        # a test says who does not get it
        assert "not told: nobody: connection refused" in notify.run("test", code=1)
        assert [one.json["type"] for one in program.got[4:]] == ["hitless.test"]
