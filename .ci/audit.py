"""Ask whether a locked package has a known vulnerability, and say so plainly when nobody could be asked.

pip-audit finds them. It takes a package that its service does not know for a clean one, and an unreachable service for
a crash; here both are "not audited", which fails only where an audit is required: AUDIT_REQUIRED=1.

    audit.py LOCK...  [-- options of pip-audit]

Exit codes: 0 nothing known, or not audited; 1 a vulnerability, or not audited where it is required.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PIP_AUDIT = Path(sys.executable).with_name("pip-audit")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+(?:\[[^]]+\])?==[^ ;\\]+)", re.MULTILINE)


def ask(pins: list[str], options: list[str]) -> list[dict[str, Any]] | str:
    """Return what the service says of each pinned package, or why it says nothing."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "pins.txt"
        listed.write_text("\n".join(pins) + "\n", encoding="utf-8")
        command = [str(PIP_AUDIT), "--requirement", str(listed), "--no-deps", "--disable-pip", "--format=json"]
        done = subprocess.run(
            [*command, "--progress-spinner=off", *options], capture_output=True, encoding="utf-8", check=False
        )
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]


def main(arguments: list[str]) -> int:
    """Audit the locks and print what is known."""
    locks, options = arguments, list[str]()
    if "--" in arguments:
        place = arguments.index("--")
        locks, options = arguments[:place], arguments[place + 1 :]
    pins = sorted({pin for lock in locks for pin in _PINNED.findall(Path(lock).read_text(encoding="utf-8"))})
    # One first: where no service answers, hundreds of questions would only take long.
    found = ask(pins[:1], options)
    if not isinstance(found, str) and all("vulns" in one for one in found):
        found = ask(pins, options)
    if isinstance(found, str):
        reason, answered, unknown = found, [], len(pins)
    else:
        answered = [one for one in found if "vulns" in one]
        unknown = len(pins) - len(answered)
        reason = next((one["skip_reason"] for one in found if "vulns" not in one), "")
    known = [(one, vulnerability) for one in answered for vulnerability in one["vulns"]]
    for one, vulnerability in known:
        mended = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {vulnerability['id']}, mended in {mended}")
    if unknown:
        print(f"not audited: {unknown} of {len(pins)} locked packages ({reason})")
    if not known and not unknown:
        print(f"audited: {len(pins)} locked packages, no known vulnerability")
    return int(bool(known) or (bool(unknown) and os.environ.get("AUDIT_REQUIRED") == "1"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
