"""A service that misbehaves: what is refused, how it is said, and that what was filed before stays."""

from __future__ import annotations

import csv
import io
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.acquire.fingertips_api import ApiOptions
from pipelines.acquire.live_extracts import LiveResult, fetch_live
from pipelines.problems import ConfigurationError

DAY = date(2026, 3, 5)
TABLES = "all_data/csv/by_indicator_id"
Behaviour = Callable[[bytes], dict[str, Any]]

PAGE = b"<!DOCTYPE html><html><body>Service Unavailable</body></html>"
TOO_MANY = {"status": 429, "body": b"slow down", "headers": {"Retry-After": "1"}}


def lines(body: bytes) -> list[bytes]:
    return body.splitlines(keepends=True)


def without(indicator: bytes) -> Behaviour:
    return lambda good: {"body": b"".join(line for line in lines(good) if not line.startswith(indicator + b","))}


def without_column(good: bytes, name: str) -> bytes:
    header, *records = csv.reader(io.StringIO(good.decode()))
    place = header.index(name)
    text = io.StringIO()
    csv.writer(text).writerows(one[:place] + one[place + 1 :] for one in [header, *records])
    return text.getvalue().encode()


# Rule, what the service does, and what the message quotes of it.
REFUSED: list[tuple[str, Behaviour, str]] = [
    ("html_instead_of_csv", lambda _: {"body": PAGE, "content_type": "text/html"}, "<!DOCTYPE html>"),
    ("html_instead_of_csv", lambda _: {"body": PAGE}, "<!DOCTYPE html>"),
    ("json_instead_of_csv", lambda _: {"body": b'{"Message": "An error has occurred."}'}, '{"Message"'),
    ("wrong_content_type", lambda _: {"content_type": "image/png"}, "Indicator ID"),
    ("empty_answer", lambda _: {"body": b""}, ""),
    ("empty_answer", lambda _: {"body": b"\xef\xbb\xbf\r\n"}, "\ufeff"),
    ("header_only", lambda good: {"body": lines(good)[0]}, "Indicator ID"),
    ("header_only", lambda good: {"body": lines(good)[0] + b",,\n\n"}, "Indicator ID"),
    ("truncated_answer", lambda _: {"cut": 700}, "Indicator ID"),
    ("truncated_answer", lambda _: {"cut": 700, "reset": True}, "Indicator ID"),
    # Cut between two records, so that the table itself looks whole.
    ("truncated_answer", lambda good: {"cut": good.rindex(b"\n93881,") + 1}, "Indicator ID"),
    ("truncated_answer", lambda good: {"cut": good.rindex(b"\n93881,") + 1, "chunked": True}, "Indicator ID"),
    ("truncated_answer", lambda good: {"body": good[: good.rindex(b"using") + 3]}, "Indicator ID"),
    ("truncated_answer", lambda good: {"body": good[: good.rindex(b",Worse")]}, "Indicator ID"),
    ("malformed_csv", lambda good: {"body": good.replace(b'"Obesity', b'"Obes"ity')}, "Indicator ID"),
    ("undecodable_bytes", lambda good: {"body": good.replace(b"Nottingham", b"Nott\xefngham")}, "Indicator ID"),
    ("unknown_header", lambda good: {"body": good.replace(b"Sortable", b"Order", 1)}, "Indicator ID"),
    ("unknown_header", lambda good: {"body": without_column(good, "Area Code")}, "Indicator ID"),
    ("unknown_header", lambda good: {"body": good.replace(b"Compared to goal", b"Area Name", 1)}, "Indicator ID"),
    ("missing_indicator", without(b"91547"), "Indicator ID"),
    (
        "missing_indicator",
        lambda good: {"body": b"".join(lines(good)[:1] + [one for one in lines(good) if b",,,E92000001" in one])},
        "Indicator ID",
    ),
    ("unasked_indicator", lambda good: {"body": good.replace(b"\n91547,", b"\n41001,", 1)}, "Indicator ID"),
    ("redirected", lambda _: {"status": 302, "body": b"", "headers": {"Location": "http://example.org/api"}}, ""),
    ("http_status", lambda _: {"status": 404, "body": b"no such thing"}, "no such thing"),
]


@pytest.fixture
def fetch(project, fast) -> Callable[..., LiveResult]:
    def fetch(options: ApiOptions = fast) -> LiveResult:
        return fetch_live(project.settings, options, day=DAY)

    return fetch


@pytest.mark.parametrize(
    ("rule", "behaviour", "quoted"), REFUSED, ids=[f"{number}-{one[0]}" for number, one in enumerate(REFUSED)]
)
def test_a_bad_table_is_refused_and_the_last_release_stays(project, service, fetch, filed, rule, behaviour, quoted):
    service.always(TABLES, lambda good: behaviour(good) if good.count(b"\n91547,") and b"ICBs" not in good else {})
    result = fetch()
    assert (result.status, result.is_up_to_date, result.release_id) == ("failed", False, None)
    (problem,) = result.problems
    assert problem.rule == rule
    assert problem.message.startswith(f"{service.url}{TABLES}?indicator_ids=91547,93881&child_area_type_id=502")
    status = behaviour(b"\n\n").get("status", 200) if rule in {"redirected", "http_status"} else 200
    assert f" answered {status} with " in problem.message
    assert (problem.value or "").startswith(quoted)
    assert project.tree == filed


def test_the_service_gets_well_and_the_release_is_filed(project, service, fetch, filed):
    service.always(TABLES, lambda _: {"body": PAGE})
    assert fetch().status == "failed"
    service.behave()
    service.always(TABLES, lambda good: {"body": good.replace(b"2023/24", b"2024/25").replace(b"2022/23", b"2023/24")})
    assert fetch().release_id == "2026-03-05"
    assert project.tree.items() > filed.items()


def test_too_many_requests_are_answered_after_the_time_that_the_service_asks_for(service, fetch, filed):
    service.next(TABLES, lambda _: TOO_MANY)
    assert fetch().status == "unchanged"
    first, second, *_ = [when for path, _, when in service.asked if path == TABLES]
    assert second - first >= 1.0
    assert service.count(TABLES) == 3


def test_a_service_that_stumbles_twice_is_asked_a_third_time_after_growing_waits(service, fetch, filed, fast):
    service.next(TABLES, *[lambda _: {"status": 500, "body": b"sorry"}] * 2)
    assert fetch(replace(fast, backoff=0.1, backoff_jitter=0.0)).status == "unchanged"
    first, second, third, _ = [when for path, _, when in service.asked if path == TABLES]
    assert second - first >= 0.1
    assert third - second >= 0.2


def test_a_body_that_breaks_off_once_is_asked_for_again(service, fetch, filed):
    service.next(TABLES, lambda _: {"cut": 700}, lambda _: {"cut": 700, "reset": True})
    assert fetch().status == "unchanged"
    assert service.count(TABLES) == 4


def test_a_service_that_is_down_is_left_alone(project, service, fetch, filed):
    service.always(TABLES, lambda _: {"status": 503, "body": PAGE})
    result = fetch()
    (problem,) = result.problems
    assert (result.status, problem.rule) == ("failed", "http_status")
    assert " answered 503 with " in problem.message
    assert (problem.value or "").startswith("<!DOCTYPE html>")
    # Three attempts at the first table, none at the second.
    assert service.count(TABLES) == 3
    assert project.tree == filed


def test_a_silent_service_is_not_waited_for(project, service, fetch, filed, fast):
    service.always(TABLES, lambda _: {"seconds": 0.3})
    result = fetch(replace(fast, read_timeout=0.1, retries=1))
    (problem,) = result.problems
    assert (result.status, problem.rule) == ("failed", "no_answer_in_time")
    assert problem.message.startswith(service.url)
    assert project.tree == filed


def test_a_redirect_is_not_followed(service, fetch, filed):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.05)
        location = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/api/{TABLES}"
        service.always(TABLES, lambda _: {"status": 302, "body": b"", "headers": {"Location": location}})
        assert location in fetch().problems[0].message
        with pytest.raises(TimeoutError):
            elsewhere.accept()


METADATA: list[tuple[str, Behaviour]] = [
    ("html_instead_of_json", lambda _: {"body": PAGE, "content_type": "text/html"}),
    ("wrong_content_type", lambda _: {"content_type": "text/csv"}),
    ("unexpected_json", lambda _: {"body": b'{"Message": "An error has occurred."}'}),
    ("unexpected_json", lambda _: {"body": b"[]"}),
    ("unexpected_json", lambda good: {"body": good[:-2]}),
    ("missing_indicator", lambda good: {"body": json.dumps({"91547": json.loads(good)["91547"]}).encode()}),
]


@pytest.mark.parametrize(("rule", "behaviour"), METADATA)
def test_bad_metadata_are_refused(project, service, fetch, filed, rule, behaviour):
    service.always("indicator_metadata", behaviour)
    result = fetch()
    assert (result.status, [problem.rule for problem in result.problems]) == ("failed", [rule])
    assert service.count(TABLES) == 0
    assert project.tree == filed


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("missing_indicator", b"[]"),
        ("missing_indicator", b'[{"IndicatorId": 1, "AreaTypeId": 502}]'),
        ("unexpected_json", b"{}"),
        ("unexpected_json", b'[{"IndicatorId": 91547}]'),
    ],
)
def test_a_bad_list_of_area_types_is_refused(project, service, fetch, filed, rule, body):
    service.next("available_data", lambda _: {"body": body})
    result = fetch()
    assert (result.status, [problem.rule for problem in result.problems]) == ("failed", [rule])
    assert project.tree == filed


def test_without_a_network_what_is_filed_stands(project, fetch, filed, fast):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    result = fetch(replace(fast, base_url=f"http://127.0.0.1:{port}/api/"))
    assert (result.status, result.problems, result.is_up_to_date) == ("no_network", (), False)
    assert result.message.startswith("No network: 127.0.0.1 cannot be reached")
    assert project.tree == filed


def test_a_host_that_nobody_knows_is_no_network(project, fetch, filed, fast):
    result = fetch(replace(fast, base_url="https://fingertips.invalid/api/"))
    assert result.status == "no_network"
    assert project.tree == filed


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that nobody has signed, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command makes the certificate, and it is not installed")
    path = tmp_path / "self_signed.pem"
    key = tmp_path / "key.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def protected(service, certificate, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    service.socket = context.wrap_socket(service.socket, server_side=True)
    service.scheme = "https"
    return service


def test_a_certificate_that_nobody_signed_is_refused(project, protected, fetch, fast):
    result = fetch(replace(fast, base_url=protected.url))
    (problem,) = result.problems
    assert (result.status, problem.rule) == ("failed", "certificate_refused")
    assert "REQUESTS_CA_BUNDLE" in problem.remedy
    assert (protected.asked, project.tree) == ([], {})


def test_the_certificates_of_an_inspecting_proxy_can_be_named(protected, fetch, fast, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert fetch(replace(fast, base_url=protected.url)).status == "fetched"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000/api/", "http://[::1]/api/", "http://localhost/", "https://a/"]
)
def test_protected_addresses_and_this_machine_are_allowed(address):
    assert ApiOptions(base_url=address).base_url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://fingertips.phe.org.uk/api/",
        "http://127.0.0.1.example.org/",
        "ftp://127.0.0.1/",
        "https://fingertips.phe.org.uk/api",
        "fingertips.phe.org.uk/",
    ],
)
def test_other_addresses_are_refused(address):
    with pytest.raises(ConfigurationError):
        ApiOptions(base_url=address)


def test_the_public_service_is_the_default_and_is_asked_once_a_second():
    options = ApiOptions()
    assert options.base_url == "https://fingertips.phe.org.uk/api/"
    assert options.seconds_between_requests >= 1
