"""The Fingertips service over HTTPS: one question, one answer, as received.

Addresses, timeouts, repetition, pace and the identity of the server belong here. What an answer means does not: that is
``fingertips_answers``; nor does keeping it: that is ``live_extracts``.

The certificate of the server is always verified, and nothing here can switch that off. An organisation whose proxy
inspects traffic names the proxy's certificates in ``REQUESTS_CA_BUNDLE``, and the proxy in ``HTTPS_PROXY``; requests
honours both.
"""

from __future__ import annotations

import ipaddress
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, ProxyError, ReadTimeout, RequestException, SSLError
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from pipelines.acquire.fingertips_answers import Answer, AnswerRefused
from pipelines.acquire.fingertips_wanted import PARENT_AREA_TYPE_ID, Question
from pipelines.problems import ConfigurationError, OutcomesError, Problem

URL_VARIABLE: Final = "OUTCOMES_FINGERTIPS_URL"
BASE_URL: Final = "https://fingertips.phe.org.uk/api/"
_IN_TROUBLE: Final = (429, 500, 502, 503, 504)
_CHUNK_BYTES: Final = 65536
# Uncompressed: a compressed body that is cut off without a stated length looks like a shorter table.
_HEADERS: Final = {"User-Agent": "ics-outcomes-warehouse", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How the service is asked. The defaults are meant for the public service; tests ask a server of their own, faster.

    Attributes:
        base_url: Where the service is, with a final slash. ``http`` is allowed for this machine only.
        seconds_between_requests: Least time between the starts of two questions. The service has limited its rate since
            December 2025 and states no number; published clients have settled on one a second.
        connect_timeout: Seconds until a connection must stand.
        read_timeout: Seconds of silence after which an answer counts as lost; a large table takes a minute to begin.
        retries: Most repetitions of one question.
        backoff: Seconds before the first repetition; doubles each time.
        backoff_jitter: Most seconds added to that at random, so that clients do not return together.
        longest_wait: Most seconds before any one repetition, also where the service asks for more (Retry-After).
    """

    base_url: str = BASE_URL
    seconds_between_requests: float = 1.0
    connect_timeout: float = 10.0
    read_timeout: float = 180.0
    retries: int = 4
    backoff: float = 1.0
    backoff_jitter: float = 1.0
    longest_wait: int = 120

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ApiOptions:
        """Read ``OUTCOMES_FINGERTIPS_URL``, or ask the public service.

        Args:
            environment: Variable to text.

        Returns:
            Options with the address, everything else by default.

        Raises:
            ConfigurationError: The address is not protected, or holds a secret.
        """
        return cls(base_url=environment.get(URL_VARIABLE) or BASE_URL)

    def __post_init__(self) -> None:
        """Refuse an address that is not protected, or that holds a secret.

        Raises:
            ConfigurationError: The address is neither https nor this machine, or has a name or password in it.
        """
        parts = urlsplit(self.base_url)
        if parts.username is not None or parts.password is not None:
            # The address is printed and filed in passports, so this says nothing of it.
            raise ConfigurationError("The address of the service holds a name or password; leave them out.")
        if not parts.hostname or not self.base_url.endswith("/"):
            raise ConfigurationError(f"{self.base_url!r} is no base address; it has a host and ends with a slash.")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(parts.hostname)):
            raise ConfigurationError(
                f"{self.base_url} is not protected: figures over plain http could be anybody's. Use https."
            )


class NoNetwork(OutcomesError):  # noqa: N818 - says what is the case, which is what a reader of the log looks for
    """The service cannot be reached from here: no name, no route, no open port, or no way through the proxy."""


class FingertipsApi:
    """A connection to the service; use it as a context manager.

    Args:
        options: How to ask.
    """

    def __init__(self, options: ApiOptions) -> None:
        """Prepare the connection; nothing is sent yet."""
        self._options = options
        self._retry = _Retry(
            total=options.retries,
            # Without a network a person waits for this, so it is tried less often than a service in trouble.
            connect=min(options.retries, 2),
            status_forcelist=_IN_TROUBLE,
            allowed_methods={"GET"},
            backoff_factor=options.backoff,
            backoff_jitter=options.backoff_jitter,
            backoff_max=options.longest_wait,
            retry_after_max=options.longest_wait,
            raise_on_status=False,
        )
        self._session = requests.Session()
        self._session.headers.update(_HEADERS)
        adapter = _PacedAdapter(options.seconds_between_requests, self._retry)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)

    def __enter__(self) -> Self:
        """Return the connection."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._session.close()

    def values(self, question: Question) -> Answer:
        """Ask for a table of values.

        Args:
            question: Which indicators at which area type.

        Returns:
            The answer, not judged.

        Raises:
            NoNetwork: The service cannot be reached.
            AnswerRefused: It was reached and gave no answer.
        """
        return self._get(
            "all_data/csv/by_indicator_id",
            indicator_ids=_ids(question.indicators),
            child_area_type_id=question.area_type_id,
            parent_area_type_id=PARENT_AREA_TYPE_ID,
            # The column that sorts periods is an option of the service; the declared header requires it.
            include_sortable_time_periods="yes",
        )

    def metadata(self, indicators: tuple[int, ...]) -> Answer:
        """Ask what is known about indicators; arguments but the ids, result and errors as for :meth:`values`."""
        return self._get("indicator_metadata/by_indicator_id", indicator_ids=_ids(indicators))

    def data_change(self, indicator: int) -> Answer:
        """Ask when an indicator was last uploaded; result and errors as for :meth:`values`."""
        return self._get("data_changes", indicator_id=indicator)

    def available_data(self, indicator: int) -> Answer:
        """Ask at which area types an indicator is published; result and errors as for :meth:`values`."""
        return self._get("available_data", indicator_id=indicator)

    def _get(self, path: str, **parameters: str | int) -> Answer:
        return self._ask(f"{self._options.base_url}{path}?{urlencode(parameters, safe=',')}", self._retry)

    def _ask(self, url: str, retry: Retry) -> Answer:
        """Ask until there is a whole answer or the repetitions are used up.

        The adapter repeats what fails before the body begins. A body that breaks off is read after that, so it is
        repeated here, by the same rules.
        """
        try:
            with self._session.get(
                url,
                timeout=(self._options.connect_timeout, self._options.read_timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = _received(url, response)
        except RequestException as error:
            raise _unanswered(url, error) from error
        if answer.broken is None:
            return answer
        try:
            further = retry.increment("GET", url, error=ProtocolError(answer.broken))
        except MaxRetryError:
            return answer
        further.sleep()
        return self._ask(url, further)


class _Retry(Retry):
    """The library's repetition, with a wait before the first one too.

    urllib3 sends the first repetition at once, which a service that limits its rate counts against us.
    """

    def get_backoff_time(self) -> float:
        return super().get_backoff_time() or self.backoff_factor + random.random() * self.backoff_jitter


class _PacedAdapter(HTTPAdapter):
    """Sends questions no faster than agreed.

    Ten lines instead of a dependency: the packages for it limit a number of calls a period over threads, processes and
    hosts, while here one thread asks one host, and repetitions are spaced by their back-off anyway.
    """

    def __init__(self, seconds: float, retry: Retry) -> None:
        self._seconds = seconds
        self._next = 0.0
        super().__init__(max_retries=retry)

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self._seconds
        return super().send(*arguments, **options)


def _received(url: str, response: requests.Response) -> Answer:
    """Read the body, and keep what there is of it when it breaks off; urllib3 compares it with Content-Length."""
    body = bytearray()
    broken = None
    try:
        # Not iter_content: it gives away what came before the break.
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
    except HTTPError as error:
        broken = str(error)
    return Answer(
        url=url,
        status=response.status_code,
        content_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        body=bytes(body),
        location=response.headers.get("Location"),
        broken=broken,
    )


def _unanswered(url: str, error: RequestException) -> OutcomesError:
    """Tell apart that there is no network, and that there is no answer."""
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", None) or cause
    if isinstance(error, SSLError):
        rule, what = "certificate_refused", f"the certificate of the server cannot be trusted ({reason})"
        remedy = "If a proxy of your organisation inspects traffic, name its certificates in REQUESTS_CA_BUNDLE."
    elif isinstance(error, (ProxyError, ConnectTimeout)) or isinstance(reason, NewConnectionError):
        return NoNetwork(f"{urlsplit(url).hostname} cannot be reached: {reason}")
    elif isinstance(error, ReadTimeout) or isinstance(reason, ReadTimeoutError):
        rule, what = "no_answer_in_time", f"it accepted the question and stayed silent ({reason})"
        remedy = "Run outcomes refresh --live again later: the service is slow."
    else:
        rule, what = "connection_broken", f"the connection broke before an answer came ({reason})"
        remedy = "Run outcomes refresh --live again later."
    return AnswerRefused(Problem(rule, f"{url} did not answer: {what}.", remedy), outage=True)


def _ids(indicators: tuple[int, ...]) -> str:
    return ",".join(str(indicator) for indicator in indicators)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
