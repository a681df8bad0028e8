"""Install the clients of ``tests/clients`` beside each other: every locked DuckDB, Ibis, ADBC, Node's libraries.

Run it once, with the Python that runs the tests; it needs the package registries. What is there already is left alone.
The tests themselves need no network. The folder is OUTCOMES_TEST_CLIENTS, or ``.installed`` beside this file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = "OUTCOMES_TEST_CLIENTS"
"""Environment variable that names another folder for the installed clients."""
STAMP = ".installed"


def folder() -> Path:
    """Return where the clients are, or will be."""
    return Path(os.environ.get(FOLDER) or HERE / ".installed").resolve()


def lock_of(*files: Path) -> str:
    """Return what identifies an installation: its lock, and the Python that its binaries are for."""
    tag = sys.implementation.cache_tag or sys.version
    return hashlib.sha256(b"".join([tag.encode(), *(file.read_bytes() for file in files)])).hexdigest()


def install(name: str, files: list[Path], fill: Callable[[Path], None]) -> str:
    """Fill the folder of one client, unless it was filled from the same lock.

    Args:
        name: Name of the client's folder.
        files: Its lock.
        fill: Installs into the folder that it is given, which exists and is empty.

    Returns:
        A line that says what was done.
    """
    target = folder() / name
    stamp = target / STAMP
    lock = lock_of(*files)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == lock:
        return f"{name}: as it was"
    # Beside its place first: an interrupted installation is never taken for a whole one.
    beside = target.with_name(f"{name}.new")
    for old in (beside, target):
        shutil.rmtree(old, ignore_errors=True)
    beside.mkdir(parents=True)
    fill(beside)
    (beside / STAMP).write_text(lock, encoding="utf-8")
    beside.rename(target)
    return f"{name}: installed"


def from_python_lock(lock: Path) -> str:
    """Install the wheels of one lock into a folder of their own, by hash."""

    def fill(target: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
        hashed = ["--require-hashes", "--only-binary=:all:", "--no-compile", "--requirement", str(lock)]
        subprocess.run([*pip, *hashed, "--target", str(target)], check=True)

    return install(lock.stem, [lock], fill)


def from_node_lock() -> str:
    """Install Node's libraries by the hashes of the lock; no script of a package is run."""
    files = [HERE / "node" / "package.json", HERE / "node" / "package-lock.json"]

    def fill(target: Path) -> None:
        for file in files:
            shutil.copy(file, target)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=target, check=True)

    return install("node", files, fill)


def main() -> None:
    """Install everything, two at a time."""
    locks = sorted((HERE / "locks").glob("*.lock"))
    jobs: list[Callable[[], str]] = [lambda lock=lock: from_python_lock(lock) for lock in locks]
    if shutil.which("npm"):
        jobs.insert(0, from_node_lock)
    else:
        print("node: left out, as there is no npm")
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in pool.map(lambda job: job(), jobs):
            print(done)


if __name__ == "__main__":
    main()
