from __future__ import annotations

import hashlib
import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cluster.errors import UserError
from meta.data import download as downloads
from meta.data.download import Source, download, obtain
from meta.data.omniglot import load_omniglot

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/file.zip"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "file.zip").write_bytes(CONTENT)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server, url = serve(partial(Quiet, directory=str(folder)))
    yield url
    server.shutdown()
    server.server_close()


def test_a_file_arrives_whole(address, tmp_path, capsys):
    path = tmp_path / "new" / "file.zip"
    download(address, path, SHA256, len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "file.zip" in captured.err


@pytest.mark.parametrize(
    ("sha256", "size", "message"),
    [
        ("0" * 64, len(CONTENT), f"SHA-256 is {SHA256}, not 000"),
        (SHA256, len(CONTENT) + 1, f"{len(CONTENT)} bytes came, not {len(CONTENT) + 1}"),
        (SHA256, 1000, "more than 1000 bytes came, not 1000"),
    ],
)
def test_another_file_is_not_kept_and_an_old_one_stays(address, tmp_path, sha256, size, message):
    path = tmp_path / "file.zip"
    path.write_bytes(b"old")
    with pytest.raises(UserError, match=message) as error:
        download(address, path, sha256, size)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_connection_that_breaks_leaves_nothing(tmp_path):
    class Breaks(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:1000])

        def log_message(self, *_):
            pass

    server, url = serve(Breaks)
    with pytest.raises(UserError, match=r"1000 bytes came|cannot be downloaded"):
        download(url, tmp_path / "file.zip", SHA256, len(CONTENT))
    server.shutdown()
    server.server_close()
    assert list(tmp_path.iterdir()) == []


def test_offline_is_one_line_that_says_what_to_do(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.zip"
    with pytest.raises(UserError) as error:
        download(url, tmp_path / "file.zip", SHA256, 1)
    message = str(error.value)
    assert "\n" not in message
    for part in (
        url,
        "cannot be downloaded",
        str(tmp_path),
        "--data-folder DIR",
        "NEUROMATERIALS_DATA",
        "--data generated",
    ):
        assert part in message
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_server_is_told(address, tmp_path):
    with pytest.raises(UserError, match=r"missing\.zip: cannot be downloaded \(File not found\)"):
        download(address.replace("file", "missing"), tmp_path / "file.zip", SHA256, 1)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/file.zip", "file.zip"])
def test_other_addresses_are_refused(tmp_path, url):
    with pytest.raises(UserError, match="allowed is an https address"):
        download(url, tmp_path / "file", SHA256, 1)


def test_a_folder_that_cannot_be_written_is_named(address, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/file\.zip: cannot be written"):
        download(address, tmp_path / "file" / "file.zip", SHA256, len(CONTENT))


def test_what_is_there_is_not_fetched(address, tmp_path):
    source = Source(address, len(CONTENT), SHA256)
    with pytest.raises(UserError, match="no such file"):
        obtain(source, tmp_path, "set", fetch=False)
    path = obtain(source, tmp_path, "set", fetch=True)
    assert path == tmp_path / "set" / "file.zip"
    path.write_bytes(b"packed anew")
    assert obtain(source, tmp_path, "set", fetch=True).read_bytes() == b"packed anew"


def test_omniglot_fetches_what_is_missing(monkeypatch, tmp_path):
    asked = []

    def refuse(url, path, sha256, size):
        asked.append((url.rpartition("/")[2], path, len(sha256), size))
        raise UserError("offline")

    monkeypatch.setattr(downloads, "download", refuse)
    with pytest.raises(UserError, match="offline"):
        load_omniglot(tmp_path, 28, fetch=True)
    assert asked == [("images_background.zip", tmp_path / "omniglot/images_background.zip", 64, 9464212)]
