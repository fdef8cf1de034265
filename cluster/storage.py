"""Run folders on remote storage: the few things a run folder asks of a path, over fsspec.

A local path stays a `pathlib.Path`. A URL such as `s3://bucket/runs/a`, `gs://bucket/runs/a` or `memory://runs/a`
becomes a `RemotePath`, which stands in for one: it joins with `/` and has `name`, `parent`, `exists` and so on.
Folders do not exist on an object store: they are the beginnings of names.

What is atomic: a remote file is replaced by one PUT of the whole object, which S3 and Google Cloud Storage show to
readers whole or not at all, and in-memory storage in one assignment. Nothing is ever appended to or renamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, cast

from cluster.errors import UserError

#: Packages that a kind of storage needs, by what its URLs start with.
EXTRAS = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}


def location(text: str | Path) -> Path:
    """Where a run folder is: a path, or what stands in for one at a URL (typed as a path for its users' sake).

    Raises:
        UserError: a URL without a name, or of a kind that is not known or whose package is not installed.
    """
    if not isinstance(text, str):
        return text
    if not text:
        raise UserError("an empty name: allowed are folders, files and URLs")
    if "://" not in text:
        return Path(text)
    kind, rest = text.split("://", 1)
    if not rest.strip("/"):
        raise UserError(f"{text}: allowed is {kind}:// with a name after it")
    if kind in ("file", "local"):
        return Path(rest)
    place = RemotePath(f"{kind}://{rest.rstrip('/')}")
    _ = place.system
    return cast(Path, place)


def _needed(kind: Any) -> list[str]:
    """What a file system must be told to be made."""
    parameters = list(signature(kind.__init__).parameters.values())[1:]
    return [one.name for one in parameters if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]


def is_remote(path: Any) -> bool:
    """Whether a run folder's path is a URL."""
    return isinstance(path, RemotePath)


@dataclass(frozen=True)
class RemotePath:
    """An object, or the beginning of the names of several, on remote storage."""

    url: str

    @property
    def system(self) -> Any:
        """The fsspec file system; listings are never cached, since other machines write too."""
        import fsspec

        kind = self.url.split("://", 1)[0]
        try:
            lacking = _needed(fsspec.get_filesystem_class(kind))
            if lacking:
                raise UserError(
                    f"{self.url}: {kind}:// needs more than an address ({lacking[0]}): allowed is e.g. s3://"
                )
            return fsspec.filesystem(kind, use_listings_cache=False)
        except ImportError:
            package = EXTRAS.get(kind, kind)
            raise UserError(f"{self.url}: needs the package {package}: pip install {package}") from None
        except ValueError:
            raise UserError(f"{self.url}: unknown storage {kind}://: allowed is what fsspec knows") from None

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    def __fspath__(self) -> str:
        return self.url

    def __lt__(self, other: RemotePath) -> bool:
        return self.url < other.url

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rsplit("/", 1)[1]

    @property
    def suffix(self) -> str:
        """What the last part ends with, from its last dot on."""
        return Path(self.name).suffix

    @property
    def parent(self) -> RemotePath:
        """Without the last part."""
        return RemotePath(self.url.rsplit("/", 1)[0])

    def resolve(self) -> RemotePath:
        """Itself: a URL is absolute."""
        return self

    def exists(self) -> bool:
        """Whether there is such an object, or any object below it."""
        with _refusals(self.url, "read"):
            return bool(self.system.exists(self.url))

    def is_file(self) -> bool:
        """Whether there is such an object."""
        with _refusals(self.url, "read"):
            return bool(self.system.isfile(self.url))

    def files(self) -> set[str]:
        """Names, relative to this one, of all objects below it."""
        with _refusals(self.url, "listed"):
            root = self.system._strip_protocol(self.url).rstrip("/") + "/"
            return {str(found).removeprefix(root) for found in self.system.find(self.url)}

    def read_bytes(self) -> bytes:
        """Content of an object.

        Raises:
            FileNotFoundError: there is none.
        """
        with _refusals(self.url, "read"):
            return bytes(self.system.cat_file(self.url))

    def write_bytes(self, content: bytes) -> None:
        """Replace an object, at once."""
        with _refusals(self.url, "written"):
            self.system.pipe_file(self.url, content)

    def create(self, content: bytes) -> bool:
        """Write an object if there is none; whether there was none. Of several who try at once, one succeeds."""
        with _refusals(self.url, "written"):
            try:
                self.system.pipe_file(self.url, content, mode="create")
            except FileExistsError:
                return False
            return True

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove an object."""
        with _refusals(self.url, "removed"):
            try:
                self.system.rm_file(self.url)
            except FileNotFoundError:
                if not missing_ok:
                    raise


@contextmanager
def _refusals(url: str, done: str) -> Iterator[None]:
    """What the storage refuses, in one line; a missing object stays a FileNotFoundError where one is read."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError as error:
        if done == "read":
            raise
        raise UserError(f"{url}: cannot be {done}: no such bucket or folder ({_line(error)})") from None
    except PermissionError as error:
        raise UserError(f"{url}: cannot be {done}: not permitted to these credentials ({_line(error)})") from None
    except Exception as error:  # every client has errors of its own, many of them no OSError
        raise UserError(f"{url}: cannot be {done}: {type(error).__name__}: {_line(error)}") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def files_below(path: Path) -> set[str]:
    """Names, relative to a folder, of all files in it and below; one listing however many there are."""
    if isinstance(path, RemotePath):
        return path.files()
    return {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
