"""Alerts reach real servers, what may pass is repeated, refusals are not, and no secret is said anywhere."""

from __future__ import annotations

import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from itertools import chain, repeat
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pipelines.problems import ConfigurationError
from pipelines.schedule.notifiers import (
    Alert,
    DeliveryFailed,
    LogNotifier,
    SmtpNotifier,
    WebhookNotifier,
    notifiers_from_environment,
)
from tests.schedule.conftest import QUICK, Mailbox, free_port

HOST = "127.0.0.1"
PASSWORD = "hunter2-hunter2"
TOKEN = "tok-5c1a9"
HOOK = "/hooks/s3cr3t-path"


@contextmanager
def serving(mailbox: Mailbox, **options) -> Generator[Controller]:
    controller = Controller(mailbox, hostname=HOST, port=free_port(), **options)
    controller.start()
    try:
        yield controller
    finally:
        controller.stop()


def by_mail(port: int, **more: Any) -> SmtpNotifier:
    given: dict[str, Any] = {
        "host": HOST,
        "security": "none",
        "sender": "outcomes@example.org",
        "recipients": ("analyst@example.org",),
        "patience": QUICK,
    }
    return SmtpNotifier(port=port, **{**given, **more})


def by_hook(server: HTTPServer, **more: Any) -> WebhookNotifier:
    given: dict[str, Any] = {"url": server.url_for(HOOK), "token": TOKEN, "patience": QUICK}
    return WebhookNotifier(**{**given, **more})


@pytest.fixture
def logged(caplog) -> Callable[[], str]:
    """Everything that this side logs, at the level that says most; the server of these tests logs what it is asked."""
    caplog.set_level(logging.DEBUG)
    return lambda: "\n".join(
        f"{record.name} {record.getMessage()} {record.exc_text}"
        for record in caplog.records
        if not record.name.startswith("werkzeug")
    )


def failure(notifier: SmtpNotifier | WebhookNotifier, alert: Alert) -> str:
    """Return how sending fails, and see that no secret is in the error, its traceback or the notifier's name."""
    with pytest.raises(DeliveryFailed) as failed:
        notifier.send(alert)
    said = "".join(traceback.format_exception(failed.value)) + repr(notifier) + str(notifier)
    for secret in (PASSWORD, TOKEN, HOOK, "s3cr3t"):
        assert secret not in said
    return str(failed.value)


# --- e-mail -----------------------------------------------------------------------------------------------------------


def test_mail_arrives_as_it_is_meant(mailbox, alert):
    with serving(mailbox) as server:
        by_mail(server.port, recipients=("one@example.org", "two@example.org")).send(alert)
    (envelope,) = mailbox.messages
    assert (envelope.mail_from, envelope.rcpt_tos) == ("outcomes@example.org", ["one@example.org", "two@example.org"])
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == f"[Outcomes] {alert.title}"
    assert message["To"] == "one@example.org, two@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == alert.at
    assert "160 days late. Café open." in message.get_content()
    assert mailbox.logins == []


def test_nothing_in_a_title_becomes_a_header(mailbox, alert):
    nasty = replace(alert, title="a\r\nBcc: thief@example.org\n\n<b>body</b>\x00\x1b[31m" + "x" * 400)
    with serving(mailbox) as server:
        by_mail(server.port).send(nasty)
    (envelope,) = mailbox.messages
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert message["Bcc"] is None
    assert envelope.rcpt_tos == ["analyst@example.org"]
    assert message["Subject"].startswith("[Outcomes] a Bcc: thief@example.org <b>body</b> [31mxxx")
    assert len(message["Subject"]) == 150


def test_a_login_is_made_only_where_a_password_is_set(mailbox, alert):
    with serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as server:
        by_mail(server.port, user="outcomes", password="letmein").send(alert)
        by_mail(server.port).send(alert)
    assert mailbox.logins == [(b"outcomes", b"letmein")]
    assert len(mailbox.messages) == 2


def test_a_refused_login_is_not_repeated_and_says_no_password(mailbox, alert):
    with serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as server:
        said = failure(by_mail(server.port, user="outcomes", password=PASSWORD), alert)
    assert said == f"e-mail by {HOST}:{server.port}: the login was refused (535)"
    # smtplib itself tries each way to log in that the server offers: one attempt, two ways.
    assert 1 <= len(mailbox.logins) <= 2
    assert mailbox.messages == []


def test_a_temporary_refusal_is_repeated(mailbox, alert):
    mailbox.answers = ["451 Try again", "421 Too busy"]
    with serving(mailbox) as server:
        by_mail(server.port).send(alert)
    assert len(mailbox.messages) == 1


def test_a_temporary_refusal_is_not_repeated_for_ever(mailbox, alert):
    mailbox.answers = ["451 Try again"] * 9
    with serving(mailbox) as server:
        assert failure(by_mail(server.port), alert).endswith("the server refused (451)")
    assert len(mailbox.answers) == 6


def test_a_final_refusal_is_not_repeated(mailbox, alert):
    mailbox.answers = [f"554 No: {PASSWORD} {TOKEN}"] * 9
    with serving(mailbox) as server:
        assert failure(by_mail(server.port), alert).endswith("the server refused (554)")
    assert len(mailbox.answers) == 8


def test_a_recipient_that_is_refused_does_not_keep_it_from_the_others(mailbox, alert, caplog):
    mailbox.refused = {"gone@example.org": "550 No such user"}
    with serving(mailbox) as server:
        by_mail(server.port, recipients=("analyst@example.org", "gone@example.org")).send(alert)
        said = failure(by_mail(server.port, recipients=("gone@example.org",)), alert)
    assert [envelope.rcpt_tos for envelope in mailbox.messages] == [["analyst@example.org"]]
    assert "refused for gone@example.org" in caplog.text
    assert said.endswith("every recipient was refused (550)")


def test_a_mail_server_that_is_down_and_then_up(mailbox, alert):
    port = free_port()
    assert "the server cannot be reached" in failure(by_mail(port), alert)
    controller = Controller(mailbox, hostname=HOST, port=port)
    controller.start()
    try:
        by_mail(port).send(alert)
    finally:
        controller.stop()
    assert len(mailbox.messages) == 1


def test_a_mail_server_that_says_nothing(alert):
    with closing(socket.create_server((HOST, 0))) as silent:
        patience = replace(QUICK, attempts=2, timeout=0.1)
        said = failure(by_mail(silent.getsockname()[1], patience=patience), alert)
    assert said.endswith("no answer in time")


def test_a_mail_server_that_hangs_up(alert):
    with closing(socket.create_server((HOST, 0))) as rude:
        greeted = []

        def hang_up() -> None:
            for _ in range(QUICK.attempts):
                connection, _ = rude.accept()
                greeted.append(connection)
                connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert failure(by_mail(rude.getsockname()[1]), alert).endswith("the connection was lost")
        thread.join()
    assert len(greeted) == QUICK.attempts


def test_starttls_protects_the_login_and_the_certificate_is_verified(
    mailbox, alert, server_context, certificate, monkeypatch
):
    options = {"tls_context": server_context, "authenticator": mailbox.authenticate}
    with serving(mailbox, **options) as server:
        notifier = by_mail(server.port, security="starttls", user="outcomes", password="letmein")
        assert "the certificate of the server cannot be trusted" in failure(notifier, alert)
        assert (mailbox.logins, mailbox.messages) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        notifier.send(alert)
    assert (mailbox.logins, len(mailbox.messages)) == ([(b"outcomes", b"letmein")], 1)


def test_without_starttls_nothing_is_said_in_the_clear(mailbox, alert):
    with serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as server:
        said = failure(by_mail(server.port, security="starttls", user="outcomes", password=PASSWORD), alert)
    assert said.endswith("the server does not offer what is asked of it (STARTTLS or a login)")
    assert (mailbox.logins, mailbox.messages) == ([], [])


def test_tls_from_the_start(mailbox, alert, server_context, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(mailbox, ssl_context=server_context) as server:
        by_mail(server.port, security="tls").send(alert)
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "cannot be trusted" in failure(by_mail(server.port, security="tls"), alert)
    assert len(mailbox.messages) == 1


# --- webhook ----------------------------------------------------------------------------------------------------------


def test_a_hook_receives_text_and_fields(httpserver: HTTPServer, alert, logged):
    httpserver.expect_oneshot_request(HOOK, method="POST").respond_with_data("ok")
    by_hook(httpserver).send(alert)
    ((request, _),) = httpserver.log
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.get_json() == {
        "text": f"{alert.title}\n{alert.text}",
        "title": alert.title,
        "key": "release_late:annual",
        "kind": "release_late",
        "state": "raised",
        "source_id": "annual",
        "since": "2026-03-04T07:20:00+00:00",
        "at": "2026-03-04T07:20:00+00:00",
    }
    assert "urllib3" in logged()
    assert "s3cr3t" not in logged() and TOKEN not in logged()


def test_a_hook_without_a_token_sends_none_not_even_that_of_a_netrc(httpserver, alert, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text(f"machine localhost login me password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    httpserver.expect_request(HOOK).respond_with_data("ok")
    by_hook(httpserver, token=None).send(alert)
    by_hook(httpserver).send(alert)
    first, second = (request.headers.get("Authorization") for request, _ in httpserver.log)
    assert (first, second) == (None, f"Bearer {TOKEN}")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hook_in_trouble_is_asked_again(httpserver: HTTPServer, alert, status, logged):
    answers = chain([status, status], repeat(200))
    httpserver.expect_request(HOOK).respond_with_handler(lambda _: Response(status=next(answers)))
    by_hook(httpserver).send(alert)
    assert len(httpserver.log) == 3
    assert "urllib3" in logged()
    assert "s3cr3t" not in logged() and TOKEN not in logged()


def test_a_hook_that_stays_in_trouble_is_given_up(httpserver: HTTPServer, alert):
    httpserver.expect_request(HOOK).respond_with_data(f"{TOKEN}", status=500)
    assert failure(by_hook(httpserver), alert) == "webhook at localhost: it answered 500"
    assert len(httpserver.log) == QUICK.attempts


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_hook_that_refuses_is_not_asked_again(httpserver: HTTPServer, alert, status):
    httpserver.expect_request(HOOK).respond_with_data("no", status=status)
    assert failure(by_hook(httpserver), alert) == f"webhook at localhost: it answered {status}"
    assert len(httpserver.log) == 1


def test_a_hook_leads_the_token_nowhere_else(httpserver: HTTPServer, alert):
    elsewhere = httpserver.url_for("/elsewhere")
    httpserver.expect_request(HOOK).respond_with_data("", status=307, headers={"Location": elsewhere})
    assert failure(by_hook(httpserver), alert) == "webhook at localhost: it answered 307"
    assert [request.path for request, _ in httpserver.log] == [HOOK]


def test_a_slow_hook(httpserver: HTTPServer, alert):
    released = threading.Event()

    def slowly(_: Request) -> Response:
        released.wait(5)
        return Response("late")

    httpserver.expect_request(HOOK).respond_with_handler(slowly)
    try:
        said = failure(by_hook(httpserver, patience=replace(QUICK, attempts=1, timeout=0.1)), alert)
    finally:
        released.set()
    assert said == "webhook at localhost: no answer in time"


def test_a_hook_that_is_down_says_no_path(alert, logged):
    gone = WebhookNotifier(f"http://{HOST}:{free_port()}{HOOK}", TOKEN, QUICK)
    assert failure(gone, alert) == f"webhook at {HOST}: the server cannot be reached, or broke the connection"
    assert "urllib3" in logged()
    assert "s3cr3t" not in logged() and TOKEN not in logged()


def test_after_a_delivery_the_libraries_log_again(httpserver: HTTPServer, alert):
    httpserver.expect_request(HOOK).respond_with_data("ok")
    by_hook(httpserver).send(alert)
    assert logging.getLogger("urllib3.connectionpool").filters == []


# --- the log, and the environment -------------------------------------------------------------------------------------


def test_the_log_tells_a_warning_in_one_line(alert, caplog):
    caplog.set_level(logging.INFO)
    LogNotifier().send(replace(alert, text="First.\nSecond.\x1b[31m"))
    LogNotifier().send(replace(alert, state="recovered", title="Over"))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"{alert.title}. First. Second. [31m"),
        ("INFO", f"Over. {alert.text}"),
    ]


MAIL = {
    "OUTCOMES_SMTP_HOST": "mail.example.org",
    "OUTCOMES_ALERT_FROM": "outcomes@example.org",
    "OUTCOMES_ALERT_TO": "one@example.org, two@example.org",
}
LOGIN = {"OUTCOMES_SMTP_USER": "outcomes", "OUTCOMES_SMTP_PASSWORD": PASSWORD}
WEB = {"OUTCOMES_WEBHOOK_URL": f"https://chat.example.org{HOOK}", "OUTCOMES_WEBHOOK_TOKEN": TOKEN}


def test_the_log_is_always_there_and_the_environment_adds_ways():
    assert notifiers_from_environment({"OUTCOMES_SMTP_HOST": " "}) == (LogNotifier(),)
    log, mail, hook = notifiers_from_environment({**MAIL, **LOGIN, **WEB})
    assert log == LogNotifier()
    assert mail == SmtpNotifier(
        host="mail.example.org",
        port=587,
        security="starttls",
        sender="outcomes@example.org",
        recipients=("one@example.org", "two@example.org"),
        user="outcomes",
        password=PASSWORD,
    )
    assert hook == WebhookNotifier(f"https://chat.example.org{HOOK}", TOKEN)
    assert not any(secret in repr((mail, hook)) for secret in (PASSWORD, TOKEN, "s3cr3t"))
    assert [one.channel for one in (log, mail, hook)] == ["log", "e-mail", "webhook"]


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_each_protection_has_its_port(security, port):
    (_, mail) = notifiers_from_environment({**MAIL, "OUTCOMES_SMTP_SECURITY": security})
    assert isinstance(mail, SmtpNotifier)
    assert (mail.security, mail.port) == (security, port)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({**MAIL, "OUTCOMES_SMTP_SECURITY": "ssl"}, "OUTCOMES_SMTP_SECURITY is 'ssl'"),
        ({**MAIL, "OUTCOMES_SMTP_PORT": "0"}, "OUTCOMES_SMTP_PORT is '0'"),
        ({**MAIL, "OUTCOMES_SMTP_PORT": "65536"}, "OUTCOMES_SMTP_PORT is '65536'"),
        ({**MAIL, "OUTCOMES_SMTP_PORT": "smtp"}, "OUTCOMES_SMTP_PORT is 'smtp'"),
        ({**MAIL, "OUTCOMES_ALERT_TO": ""}, "OUTCOMES_ALERT_TO is not"),
        ({**MAIL, "OUTCOMES_ALERT_TO": ","}, "OUTCOMES_ALERT_TO names no address"),
        ({**MAIL, "OUTCOMES_ALERT_TO": "a b@example.org"}, "is no address"),
        ({**MAIL, "OUTCOMES_ALERT_TO": "a\nBcc: b@example.org"}, "is no address"),
        ({**MAIL, "OUTCOMES_ALERT_TO": "nobody"}, "'nobody' is no address"),
        ({**MAIL, "OUTCOMES_ALERT_FROM": "a@example.org, b@example.org"}, "OUTCOMES_ALERT_FROM is one address"),
        ({**MAIL, "OUTCOMES_SMTP_PASSWORD": PASSWORD}, "are set together or not at all"),
        ({**MAIL, "OUTCOMES_SMTP_USER": "me"}, "are set together or not at all"),
        ({**MAIL, **LOGIN, "OUTCOMES_SMTP_SECURITY": "none"}, "would cross the network in the clear"),
        ({"OUTCOMES_ALERT_TO": "a@example.org"}, "OUTCOMES_SMTP_HOST is not: no mail is sent"),
        ({"OUTCOMES_SMTP_PASSWORD": PASSWORD}, "OUTCOMES_SMTP_PASSWORD is set, but OUTCOMES_SMTP_HOST is not"),
        ({"OUTCOMES_WEBHOOK_TOKEN": TOKEN}, "OUTCOMES_WEBHOOK_URL is not"),
        ({**WEB, "OUTCOMES_WEBHOOK_URL": f"http://chat.example.org{HOOK}"}, "chat.example.org is not protected"),
        ({**WEB, "OUTCOMES_WEBHOOK_URL": HOOK}, "OUTCOMES_WEBHOOK_URL is no address"),
        ({**WEB, "OUTCOMES_WEBHOOK_URL": f"https://[::1{HOOK}"}, "OUTCOMES_WEBHOOK_URL is no address"),
        ({**WEB, "OUTCOMES_WEBHOOK_URL": f"ftp://chat.example.org{HOOK}"}, "OUTCOMES_WEBHOOK_URL is no address"),
        ({**WEB, "OUTCOMES_WEBHOOK_TOKEN": f"{TOKEN}\nX: y"}, "a character that no token has"),
    ],
)
def test_a_wrong_setting_is_named_without_its_secret(environment, said):
    with pytest.raises(ConfigurationError) as error:
        notifiers_from_environment(environment)
    assert said in str(error.value)
    shown = "".join(traceback.format_exception(error.value))
    assert not any(secret in shown for secret in (PASSWORD, TOKEN, "s3cr3t"))


def test_a_login_in_the_clear_stays_on_this_machine():
    (_, mail) = notifiers_from_environment(
        {**MAIL, **LOGIN, "OUTCOMES_SMTP_SECURITY": "none", "OUTCOMES_SMTP_HOST": HOST}
    )
    assert isinstance(mail, SmtpNotifier)


def test_an_alert_is_json(httpserver: HTTPServer, alert):
    httpserver.expect_request(HOOK).respond_with_data("ok")
    by_hook(httpserver).send(replace(alert, text='"quoted"\n<tag>', source_id=None))
    ((request, _),) = httpserver.log
    assert json.loads(request.data)["text"].endswith('"quoted"\n<tag>')
    assert json.loads(request.data)["source_id"] is None
