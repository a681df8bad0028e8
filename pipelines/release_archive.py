"""The archive of releases: what each was made from and what it said, kept for as long as the folder is.

Storing bytes by their hash, and one manifest a release, belong here. Choosing what is kept does not, nor does making a
release again (see ``rebuild``). Nothing in an archive is ever changed: an object is named after its bytes, and a
manifest after its release.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.durable_files import sha256_of, sync, write_text
from pipelines.problems import OutcomesError

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ_ONLY: Final = 0o444
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_RELEASE_ID: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


class ArchiveDamaged(OutcomesError):  # noqa: N818 - says what was found
    """An object or a manifest of the archive is missing, or is not what its name says."""


class Manifest(BaseModel):
    """What one release was made from, and what it said.

    Attributes:
        release_id: The release.
        previous_release_id: The release that was served when it was built; ``None`` for the first.
        as_at: Day for which its statuses speak.
        started_at: Start of the run that built it, with its zone.
        code_version: Version of the code.
        input_fingerprint: Fingerprint of all inputs.
        content_checksum: Of its tables, whatever the order of their rows.
        packages: What it was built with: Python, and each package that can change a figure, with its version.
        inputs: Every file of the project that went in: path below the project, with forward slashes, to SHA-256.
        state: Every file of the warehouse that went in, or that the gates left behind: path below the warehouse to
            SHA-256.
        checked_at: When the load of each source was gated: an unchanged source is not gated again.
        snapshots: Name of a table of figures, kept for comparisons, to SHA-256 of its Parquet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release_id: str
    previous_release_id: str | None
    as_at: date
    started_at: datetime
    code_version: str
    input_fingerprint: str
    content_checksum: str
    packages: dict[str, str]
    inputs: dict[str, str]
    state: dict[str, str]
    checked_at: dict[str, datetime]
    snapshots: dict[str, str]


class Archive:
    """A folder of objects and manifests.

    Args:
        folder: The folder; it is made when something is first put into it.
    """

    def __init__(self, folder: Path) -> None:
        """Remember the folder."""
        self._objects = folder / "objects"
        self._releases = folder / "releases"

    def put(self, file: Path) -> str:
        """Keep the bytes of a file, once however often they come.

        Args:
            file: The file.

        Returns:
            SHA-256 of the bytes that were kept, as hex.

        Raises:
            OSError: The file cannot be read, or the archive cannot be written.
        """
        digest = sha256_of(file)
        target = self._path(digest)
        # An object that was damaged is written again while the good bytes are at hand.
        if target.is_file() and sha256_of(target) == digest:
            return digest
        target.parent.mkdir(parents=True, exist_ok=True)
        # What is kept is what was copied: a file that changes under our hands gets the name of the bytes that came.
        handle, name = tempfile.mkstemp(prefix=".incoming-", dir=target.parent)
        incoming = Path(name)
        try:
            copied = hashlib.sha256()
            with open(handle, "wb") as output, file.open("rb") as stream:  # noqa: PTH123 - opens a descriptor
                while block := stream.read(1 << 20):
                    copied.update(block)
                    output.write(block)
                output.flush()
                os.fsync(output.fileno())
            digest = copied.hexdigest()
            target = self._path(digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            incoming.chmod(_READ_ONLY)
            incoming.replace(target)
        finally:
            incoming.unlink(missing_ok=True)
        return digest

    def put_all(self, root: Path, files: Mapping[str, Path]) -> dict[str, str]:
        """Keep several files.

        Args:
            root: Folder that names in error messages are relative to.
            files: Name to file.

        Returns:
            Name to SHA-256, sorted by name.

        Raises:
            OutcomesError: A file cannot be read, or the archive cannot be written.
        """
        kept: dict[str, str] = {}
        for name in sorted(files):
            try:
                kept[name] = self.put(files[name])
            except OSError as error:
                raise OutcomesError(f"{name} below {root} could not be kept in the archive: {error}") from error
        return kept

    def restore(self, sha256: str, destination: Path) -> None:
        """Copy an object out of the archive, and make sure that it is what its name says.

        Args:
            sha256: Its hash.
            destination: File to write; folders on the way are made.

        Raises:
            ArchiveDamaged: There is no such object, or its bytes have another hash.
        """
        source = self.object(sha256)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination)
        found = sha256_of(destination)
        if found != sha256:
            destination.unlink()
            raise ArchiveDamaged(
                f"Object {sha256} of the archive has the hash {found}: it was changed. Restore {source} from a backup."
            )

    def object(self, sha256: str) -> Path:
        """Return where an object is.

        Raises:
            ArchiveDamaged: There is none of that hash.
        """
        path = self._path(sha256)
        if not path.is_file():
            raise ArchiveDamaged(f"The archive has no object {sha256}: restore {path} from a backup.")
        return path

    def write(self, manifest: Manifest) -> Path:
        """Keep the manifest of a release.

        Args:
            manifest: The manifest; every object that it names must have been put.

        Returns:
            The file.

        Raises:
            OutcomesError: The release has another manifest already.
        """
        path = self._manifest(manifest.release_id)
        text = manifest.model_dump_json(indent=1) + "\n"
        if path.is_file():
            if path.read_text(encoding="utf-8") != text:
                raise OutcomesError(f"Release {manifest.release_id} has another manifest already: {path}.")
            return path
        write_text(path, text)
        sync(path.parent)
        return path

    def read(self, release_id: str) -> Manifest:
        """Read the manifest of a release.

        Args:
            release_id: The whole name of the release.

        Returns:
            The manifest.

        Raises:
            ArchiveDamaged: There is none, or it cannot be read.
        """
        path = self._manifest(release_id)
        try:
            return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise ArchiveDamaged(f"The archive has no readable manifest of release {release_id}: {error}") from error

    def knows(self, release_id: str) -> bool:
        """Return whether a release has a manifest."""
        return bool(_RELEASE_ID.fullmatch(release_id)) and self._manifest(release_id).is_file()

    def release_ids(self) -> list[str]:
        """Return every release that has a manifest, oldest first."""
        return sorted(path.stem for path in self._releases.glob("*.json"))

    def find(self, name: str) -> str:
        """Return the one release whose name begins with a text.

        Raises:
            OutcomesError: There is none, or more than one.
        """
        fitting = [one for one in self.release_ids() if one.startswith(name)]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            known = ", ".join(self.release_ids()[-5:]) or "none yet"
            raise OutcomesError(f"The archive knows no release {name}. The last ones are: {known}.")
        raise OutcomesError(f"{name} begins several releases: {', '.join(fitting[:5])}. Give more of the name.")

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ArchiveDamaged(f"{sha256!r} is not the hash of an object.")
        return self._objects / sha256[:2] / sha256

    def _manifest(self, release_id: str) -> Path:
        if not _RELEASE_ID.fullmatch(release_id):
            raise ArchiveDamaged(f"{release_id!r} is not the name of a release.")
        return self._releases / f"{release_id}.json"
