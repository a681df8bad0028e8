"""Ways to tell somebody: the log, e-mail and a webhook.

Delivering one alert belongs here, with the repetition of what may pass. Which alerts there are, and what becomes of one
that cannot be delivered, does not: that is ``alerts``.

Passwords, tokens and the path of the webhook are secrets. They come from the environment, are left out of every
``repr``, and appear in no message, exception or log, those of the libraries included.
"""

from __future__ import annotations

import ipaddress
import logging
import smtplib
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random
from urllib3.util import Retry

from pipelines.dates_in_words import in_words
from pipelines.problems import ConfigurationError, OutcomesError

if TYPE_CHECKING:
    from datetime import datetime

_LOG: Final = logging.getLogger("outcomes.alerts")
_TRANSIENT_STATUSES: Final = (408, 429, 500, 502, 503, 504)
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_SUBJECT_LENGTH: Final = 150

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody should know.

    Attributes:
        key: What it is about, such as ``late:fingertips``: the same condition has the same key.
        kind: ``not_published``, ``source_refused``, ``source_stale``, ``release_late``, ``poll_failing``,
            ``undelivered`` or ``test``.
        state: ``raised``, ``repeated`` (it still holds a while later) or ``recovered`` (it holds no more).
        title: One line.
        text: The whole, in plain sentences.
        since: Since when it has been known, in UTC.
        at: When it was raised, in UTC.
        source_id: The source that it is about, if it is about one.
    """

    key: str
    kind: str
    state: Literal["raised", "repeated", "recovered"]
    title: str
    text: str
    since: datetime
    at: datetime
    source_id: str | None = None


class DeliveryFailed(OutcomesError):  # noqa: N818 - says what happened
    """An alert could not be delivered; the message names the way and the reason, and no secret."""


class Notifier(Protocol):
    """A way to tell somebody."""

    @property
    def channel(self) -> str:
        """Short name of the way: alerts that could not be delivered wait under it."""
        ...

    def send(self, alert: Alert) -> None:
        """Deliver one alert.

        Args:
            alert: The alert.

        Raises:
            DeliveryFailed: It could not be delivered, although what may pass was repeated.
        """
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How a delivery is repeated; the defaults let a refresh wait for half a minute at most for each way.

    Attributes:
        attempts: Times that a delivery is tried.
        backoff: Seconds before the second time; doubles each time.
        jitter: Most seconds added to that at random, so that senders do not return together.
        longest_wait: Most seconds between two times.
        timeout: Seconds of silence after which an attempt counts as failed.
    """

    attempts: int = 3
    backoff: float = 1.0
    jitter: float = 1.0
    longest_wait: float = 10.0
    timeout: float = 6.0


@dataclass(frozen=True, slots=True)
class LogNotifier:
    """Writes alerts to the log ``outcomes.alerts``; always there."""

    channel: str = "log"

    def send(self, alert: Alert) -> None:
        """Write one alert as a warning, or as information when it is about a recovery."""
        level = logging.INFO if alert.state == "recovered" else logging.WARNING
        _LOG.log(level, "%s. %s", _one_line(alert.title), _one_line(alert.text))


@dataclass(frozen=True, slots=True)
class SmtpNotifier:
    """Sends alerts by e-mail; the certificate of the server is always verified.

    Attributes:
        host: Mail server.
        port: Its port.
        security: ``starttls`` (protected before anything is said), ``tls`` (protected from the start) or ``none``.
        sender: Address that alerts come from.
        recipients: Addresses that receive them.
        user: Name to log in with; None to send without.
        password: Its password.
        patience: How a delivery is repeated.
    """

    host: str
    port: int
    security: Security
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    patience: Patience = field(default=Patience(), repr=False)
    channel: str = "e-mail"

    def send(self, alert: Alert) -> None:
        """Send one alert; errors as :meth:`Notifier.send` says.

        The server's temporary refusals (4xx) and lost connections are repeated, its final ones are not.
        """
        message = self._message(alert)
        tries = Retrying(
            stop=stop_after_attempt(self.patience.attempts),
            wait=wait_exponential(self.patience.backoff, self.patience.longest_wait)
            + wait_random(0, self.patience.jitter),
            retry=retry_if_exception(_may_pass),
            reraise=True,
        )
        try:
            tries(self._deliver, message)
        except (smtplib.SMTPException, OSError) as error:
            # Without the cause: what a server answers may quote what it was sent.
            raise DeliveryFailed(f"e-mail by {self.host}:{self.port}: {_mail_reason(error)}") from None

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        # Whatever a title holds, a subject is one line: nothing in it can begin another header.
        message["Subject"] = _one_line(f"[Outcomes] {alert.title}")[:_SUBJECT_LENGTH]
        message["Date"] = format_datetime(alert.at)
        message["Message-ID"] = make_msgid(domain="outcomes.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            f"{alert.text}\n\nKnown since {in_words(alert.since)} {alert.since:%H:%M} UTC ({alert.key}).\n"
        )
        return message

    def _deliver(self, message: EmailMessage) -> None:
        protection = ssl.create_default_context()
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=self.patience.timeout, context=protection)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.patience.timeout)
        with server:
            if self.security == "starttls":
                server.starttls(context=protection)
            if self.user is not None and self.password is not None:
                server.login(self.user, self.password)
            turned_away = server.send_message(message)
        if turned_away:
            # Somebody has it. To send it again would reach the same people twice.
            _LOG.warning("e-mail by %s: refused for %s", self.host, ", ".join(sorted(turned_away)))


@dataclass(frozen=True, slots=True)
class WebhookNotifier:
    """Posts alerts as JSON; ``text`` is what Teams, Slack, Mattermost and the like show.

    Attributes:
        url: Where to; whoever knows its path may post, so it is a secret.
        token: Bearer token; None to post without.
        patience: How a delivery is repeated.
    """

    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    patience: Patience = field(default=Patience(), repr=False)
    channel: str = "webhook"

    @property
    def host(self) -> str:
        """The part of the address that may be shown."""
        return urlsplit(self.url).hostname or "no host"

    def send(self, alert: Alert) -> None:
        """Post one alert; errors as :meth:`Notifier.send` says.

        Lost connections and answers such as 500 or 429 are repeated; any other answer that is no success is final.
        """
        body = {
            "text": f"{alert.title}\n{alert.text}",
            "title": alert.title,
            "key": alert.key,
            "kind": alert.kind,
            "state": alert.state,
            "source_id": alert.source_id,
            "since": alert.since.isoformat(),
            "at": alert.at.isoformat(),
        }
        retry = Retry(
            total=self.patience.attempts - 1,
            status_forcelist=_TRANSIENT_STATUSES,
            allowed_methods={"POST"},
            backoff_factor=self.patience.backoff,
            backoff_jitter=self.patience.jitter,
            backoff_max=self.patience.longest_wait,
            retry_after_max=int(self.patience.longest_wait),
            raise_on_status=False,
        )
        with requests.Session() as session, _unsaid(self.url, self.token):
            for scheme in ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            try:
                response = session.post(
                    self.url,
                    json=body,
                    # Set by hand so that no password of a .netrc takes its place.
                    auth=self._authorise,
                    timeout=self.patience.timeout,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                # Without the cause: it quotes the address.
                raise DeliveryFailed(f"webhook at {self.host}: {_web_reason(error)}") from None
        if not response.ok or response.is_redirect:
            raise DeliveryFailed(f"webhook at {self.host}: it answered {response.status_code}")

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token is not None:
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def notifiers_from_environment(environment: Mapping[str, str]) -> tuple[Notifier, ...]:
    """Return the ways that the environment names, the log first.

    Args:
        environment: E-mail where OUTCOMES_SMTP_HOST is set (further: OUTCOMES_SMTP_PORT, OUTCOMES_SMTP_SECURITY as
            ``starttls``, the default, ``tls`` or ``none``, OUTCOMES_SMTP_USER, OUTCOMES_SMTP_PASSWORD,
            OUTCOMES_ALERT_FROM and OUTCOMES_ALERT_TO with commas), a webhook where OUTCOMES_WEBHOOK_URL is set
            (further: OUTCOMES_WEBHOOK_TOKEN).

    Returns:
        The notifiers.

    Raises:
        ConfigurationError: A variable is missing or wrong; the message names it and holds no secret.
    """
    given = {name: text.strip() for name, text in environment.items() if text.strip()}
    found: list[Notifier] = [LogNotifier()]
    if "OUTCOMES_SMTP_HOST" in given:
        found.append(_smtp(given))
    elif left := [name for name in given if name.startswith(("OUTCOMES_SMTP_", "OUTCOMES_ALERT_"))]:
        raise ConfigurationError(f"{', '.join(sorted(left))} is set, but OUTCOMES_SMTP_HOST is not: no mail is sent.")
    if "OUTCOMES_WEBHOOK_URL" in given:
        found.append(_webhook(given))
    elif "OUTCOMES_WEBHOOK_TOKEN" in given:
        raise ConfigurationError("OUTCOMES_WEBHOOK_TOKEN is set, but OUTCOMES_WEBHOOK_URL is not: nothing is posted.")
    return tuple(found)


def _smtp(given: Mapping[str, str]) -> SmtpNotifier:
    security = given.get("OUTCOMES_SMTP_SECURITY", "starttls")
    if security not in _PORTS:
        raise ConfigurationError(f"OUTCOMES_SMTP_SECURITY is {security!r}; it is starttls, tls or none.")
    port = given.get("OUTCOMES_SMTP_PORT", str(_PORTS[security]))
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"OUTCOMES_SMTP_PORT is {port!r}; it is a number from 1 to 65535.")
    for name in ("OUTCOMES_ALERT_FROM", "OUTCOMES_ALERT_TO"):
        if name not in given:
            raise ConfigurationError(f"OUTCOMES_SMTP_HOST is set, but {name} is not.")
    user, password = given.get("OUTCOMES_SMTP_USER"), given.get("OUTCOMES_SMTP_PASSWORD")
    if (user is None) != (password is None):
        raise ConfigurationError("OUTCOMES_SMTP_USER and OUTCOMES_SMTP_PASSWORD are set together or not at all.")
    host = given["OUTCOMES_SMTP_HOST"]
    if password is not None and security == "none" and not _is_this_machine(host):
        raise ConfigurationError(
            "OUTCOMES_SMTP_SECURITY is none: the password would cross the network in the clear. Use starttls or tls."
        )
    senders = _addresses("OUTCOMES_ALERT_FROM", given["OUTCOMES_ALERT_FROM"])
    if len(senders) != 1:
        raise ConfigurationError("OUTCOMES_ALERT_FROM is one address.")
    return SmtpNotifier(
        host=host,
        port=int(port),
        security=cast("Security", security),
        sender=senders[0],
        recipients=_addresses("OUTCOMES_ALERT_TO", given["OUTCOMES_ALERT_TO"]),
        user=user,
        password=password,
    )


def _addresses(name: str, text: str) -> tuple[str, ...]:
    found = [part.strip() for part in text.split(",") if part.strip()]
    for one in found:
        try:
            valid = bool(Address(addr_spec=one).domain) and not any(letter.isspace() for letter in one)
        except (ValueError, IndexError):
            valid = False
        if not valid:
            raise ConfigurationError(f"{name}: {one!r} is no address such as analyst@example.org.")
    if not found:
        raise ConfigurationError(f"{name} names no address.")
    return tuple(found)


def _webhook(given: Mapping[str, str]) -> WebhookNotifier:
    url = given["OUTCOMES_WEBHOOK_URL"]
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = None, None
    if parts is None or not host or parts.scheme not in ("https", "http"):
        raise ConfigurationError("OUTCOMES_WEBHOOK_URL is no address such as https://chat.example.org/hooks/...")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ConfigurationError(f"OUTCOMES_WEBHOOK_URL: {host} is not protected; use https.")
    token = given.get("OUTCOMES_WEBHOOK_TOKEN")
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigurationError("OUTCOMES_WEBHOOK_TOKEN holds a character that no token has.")
    return WebhookNotifier(url=url, token=token)


def _may_pass(error: BaseException) -> bool:
    """Tell a failure that may pass from a refusal that would only be repeated."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return 400 <= error.smtp_code < 500
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return True
    return isinstance(error, OSError) and not isinstance(error, (ssl.SSLError, smtplib.SMTPException))


def _mail_reason(error: Exception) -> str:
    """Say why, by what the error is: not what a server answered, which may quote what it was sent."""
    match error:
        case smtplib.SMTPAuthenticationError():
            reason = f"the login was refused ({error.smtp_code})"
        case smtplib.SMTPRecipientsRefused():
            codes = ", ".join(str(code) for code in sorted({code for code, _ in error.recipients.values()}))
            reason = f"every recipient was refused ({codes})"
        case smtplib.SMTPResponseException():
            reason = f"the server refused ({error.smtp_code})"
        case smtplib.SMTPNotSupportedError():
            reason = "the server does not offer what is asked of it (STARTTLS or a login)"
        case smtplib.SMTPServerDisconnected():
            reason = "no answer in time" if "timed out" in str(error) else "the connection was lost"
        case ssl.SSLCertVerificationError():
            reason = f"the certificate of the server cannot be trusted ({error.verify_message})"
        case TimeoutError():
            reason = "no answer in time"
        case OSError():
            reason = f"the server cannot be reached ({error.strerror or type(error).__name__})"
        case _:
            reason = type(error).__name__
    return reason


def _web_reason(error: requests.RequestException) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "the certificate of the server cannot be trusted"
        case requests.exceptions.ConnectTimeout() | requests.exceptions.ReadTimeout():
            return "no answer in time"
        case requests.exceptions.ConnectionError():
            slow = "timed out" in str(error).lower()
            return "no answer in time" if slow else "the server cannot be reached, or broke the connection"
        case _:
            return type(error).__name__


@contextmanager
def _unsaid(url: str, token: str | None) -> Generator[None]:
    """Keep the libraries from logging the path of the address, as urllib3 does for every request and repetition."""
    parts = urlsplit(url)
    secrets = [one for one in (url, parts.path.strip("/"), parts.query, token) if one]

    def says_nothing(record: logging.LogRecord) -> bool:
        return not any(secret in record.getMessage() for secret in secrets)

    loggers = [logging.getLogger(name) for name in ("urllib3.connectionpool", "urllib3.util.retry")]
    for logger in loggers:
        logger.addFilter(says_nothing)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(says_nothing)


def _one_line(text: str) -> str:
    """Return a text without line breaks or other characters that control anything."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
