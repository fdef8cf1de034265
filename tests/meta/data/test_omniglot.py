from __future__ import annotations

import io
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from cluster.errors import UserError
from meta.data import load_omniglot
from meta.data.characters import SIDE, shrink

ALPHABETS = {"background": ("Zeta", "Alpha"), "evaluation": ("Beta",)}


def drawing(seed):
    return np.random.default_rng(seed).random((SIDE, SIDE)) < 0.92


def png(bits):
    buffer = io.BytesIO()
    Image.fromarray(bits).save(buffer, "PNG")
    return buffer.getvalue()


def members(kind, drawings=3):
    """Names and bits in the published layout: numbers run over the characters of both sets."""
    number = 0 if kind == "background" else 900
    for alphabet in ALPHABETS[kind]:
        for character in (2, 1):
            number += 1
            for drawer in range(drawings, 0, -1):
                name = f"images_{kind}/{alphabet}/character{character:02}/{number:04}_{drawer:02}.png"
                yield name, drawing((number, drawer))


def write(folder, kind, content):
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"images_{kind}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"images_{kind}/", b"")
        for name, data in content:
            archive.writestr(name, data if isinstance(data, bytes) else png(data))


@pytest.fixture
def folder(tmp_path):
    for kind in ALPHABETS:
        write(tmp_path / "omniglot", kind, members(kind))
    return tmp_path


def test_classes_are_sorted_by_path_and_drawings_by_drawer(folder):
    characters = load_omniglot(folder, SIDE)
    assert characters.names == tuple(
        f"{alphabet}/character{character:02}" for alphabet in ("Alpha", "Zeta", "Beta") for character in (1, 2)
    )
    assert characters.background.tolist() == [True] * 4 + [False] * 2
    # Alphabets were numbered Zeta first, characters 2 first.
    for index, number in enumerate([4, 3, 2, 1, 902, 901]):
        for drawer in range(3):
            bits = drawing((number, drawer + 1))
            assert np.array_equal(characters.images[index, drawer], bits * np.uint8(255))


@pytest.mark.parametrize("resample", ["area", "lanczos"])
def test_pictures_are_the_resampled_bits(folder, resample):
    characters = load_omniglot(folder, 14, resample)
    bits = np.stack([drawing((3, drawer)) for drawer in (1, 2, 3)])
    assert np.array_equal(characters.images[1], shrink(bits, 14, resample))


def test_archives_may_lie_in_the_data_folder_itself(folder):
    before = load_omniglot(folder, 14)
    for archive in list((folder / "omniglot").iterdir()):
        archive.rename(folder / archive.name)
    assert np.array_equal(load_omniglot(folder, 14).images, before.images)


def test_what_was_prepared_is_not_prepared_again_and_new_archives_are(folder, monkeypatch):
    before = load_omniglot(folder, 14)
    with monkeypatch.context() as patched:
        patched.setattr("meta.data.omniglot._prepare", None)
        again = load_omniglot(folder, 14)
        assert again.names == before.names
        assert np.array_equal(again.images, before.images)
        assert np.array_equal(again.background, before.background)
        assert not again.images.flags.writeable
    write(folder / "omniglot", "evaluation", [(name, ~bits) for name, bits in members("evaluation")])
    after = load_omniglot(folder, 14)
    assert np.array_equal(after.images[:4], before.images[:4])
    assert not np.array_equal(after.images[4:], before.images[4:])


def test_a_missing_archive_says_where_to_get_it_and_what_needs_none(folder):
    (folder / "omniglot" / "images_evaluation.zip").unlink()
    with pytest.raises(UserError) as error:
        load_omniglot(folder, 28)
    message = str(error.value)
    assert "\n" not in message
    for part in (
        "omniglot/images_evaluation.zip: no such file",
        "https://github.com/brendenlake/omniglot",
        "NEUROMATERIALS_DATA",
        "--data generated",
    ):
        assert part in message


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_truncated_archive_is_one_line(folder, keep):
    archive = folder / "omniglot" / "images_background.zip"
    content = archive.read_bytes()
    archive.write_bytes(content[: int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(UserError, match=r"images_background\.zip: truncated or corrupt .*needs no download$"):
        load_omniglot(folder, 28)


def test_any_damage_inside_is_noticed(folder):
    archive = folder / "omniglot" / "images_background.zip"
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(UserError, match=r"images_background\.zip: truncated or corrupt"):
        load_omniglot(folder, 28)


@pytest.mark.parametrize(
    "content",
    [
        [],
        [("readme.txt", b"nothing")],
        [("strokes_background/Alpha/character01/0001_01.txt", b"1,2")],
        list(members("evaluation")),
        list(members("background"))[:-1],
    ],
    ids=["empty", "text", "strokes", "other set", "a drawing missing"],
)
def test_another_layout_is_refused(folder, content):
    write(folder / "omniglot", "background", content)
    with pytest.raises(UserError, match=r"images_background\.zip: another layout"):
        load_omniglot(folder, 28)


def test_the_two_archives_must_fit(folder):
    write(folder / "omniglot", "evaluation", members("evaluation", drawings=2))
    with pytest.raises(UserError, match="differ in their number of drawings"):
        load_omniglot(folder, 28)


def test_other_sizes_of_drawings_are_refused(folder):
    write(folder / "omniglot", "background", [(name, bits[:50]) for name, bits in members("background")])
    with pytest.raises(UserError, match="105 x 50 pixels"):
        load_omniglot(folder, 28)


def enlarged(bits):
    """A picture whose header says 2^31 - 1 pixels a side."""
    content = bytearray(png(bits))
    content[16:24] = b"\x7f\xff\xff\xff" * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize("change", [lambda _: b"GIF89a", lambda bits: png(bits)[:60], enlarged])
def test_a_file_that_is_no_picture_is_refused(folder, change):
    write(folder / "omniglot", "background", [(name, change(bits)) for name, bits in members("background")])
    with pytest.raises(UserError, match="truncated or corrupt"):
        load_omniglot(folder, 28)


@pytest.mark.parametrize(("size", "resample"), [(0, "area"), (28, "nearest")])
def test_wrong_requests_are_refused_before_anything_is_read(tmp_path, size, resample):
    with pytest.raises(ValueError, match="allowed is"):
        load_omniglot(tmp_path, size, resample)


def test_the_published_data_set(real):
    folder = real("omniglot/images_background.zip", "omniglot/images_evaluation.zip")
    # 105 = 15 x 7: a pixel is the mean of 49 bits, so means of pictures are means of bits but for rounding.
    characters = load_omniglot(folder, 15)
    assert characters.images.shape == (1623, 20, 15, 15)
    assert characters.background.sum() == 964
    assert len(set(characters.alphabets)) == 50
    assert len(set(characters.names)) == 1623
    assert characters.names[0] == "Alphabet_of_the_Magi/character01"
    assert characters.names[-1] == "ULOG/character26"
    # The mean that ANML's preprocessing subtracts (Beaulieu et al. 2020) is the background set's.
    background = characters.take(characters.background).images
    assert background.mean() / 255 == pytest.approx(0.92206, abs=5e-5)
