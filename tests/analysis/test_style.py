"""Colours stay the same everywhere; files are whole, complete and the same every time."""

import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure

import analysis
from analysis import style


def _figure() -> Figure:
    with style.house_style():
        figure = Figure(figsize=(2.0, 1.5))
        axes = figure.add_subplot()
        axes.plot([0, 1, 2], [2, 0, 1], label="a")
        axes.fill_between([0, 1, 2], [1, 0, 0], [2, 1, 1], clip_on=True)
        axes.legend()
    return figure


def test_save_writes_the_same_bytes_every_time(tmp_path: Path) -> None:
    first = style.save_figure(_figure(), tmp_path / "one")
    with matplotlib.rc_context({"svg.hashsalt": "another", "font.size": 20.0, "savefig.dpi": 50}):
        second = style.save_figure(_figure(), tmp_path / "two")
    assert [path.suffix for path in first] == [".svg", ".png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_files_carry_no_date_and_no_version(tmp_path: Path) -> None:
    svg, png = style.save_figure(_figure(), tmp_path / "figure")
    assert "<dc:date>" not in svg.read_text()
    assert matplotlib.__version__.encode() not in svg.read_bytes()
    assert b"Software" not in png.read_bytes()


def test_png_has_200_dots_per_inch(tmp_path: Path) -> None:
    _, png = style.save_figure(_figure(), tmp_path / "figure")
    header = png.read_bytes()[16:24]
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (400, 300)


def test_dots_in_the_name_are_kept_and_folders_made(tmp_path: Path) -> None:
    svg, png = style.save_figure(_figure(), tmp_path / "deep" / "pcc-0.25")
    assert svg == tmp_path / "deep" / "pcc-0.25.svg"
    assert png == tmp_path / "deep" / "pcc-0.25.png"
    assert sorted(path.name for path in svg.parent.iterdir()) == ["pcc-0.25.png", "pcc-0.25.svg"]


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    class Broken(Figure):
        def savefig(self, fname, **options) -> None:
            Path(fname).write_text("half a fi")
            raise OSError("disk full")

    (tmp_path / "figure.svg").write_text("old")
    with pytest.raises(OSError, match="disk full"):
        style.save_figure(Broken(), tmp_path / "figure")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("figure.svg", "old")]


def test_house_style_gives_the_settings_back() -> None:
    with matplotlib.rc_context({"font.size": 33.0}):
        with style.house_style():
            assert matplotlib.rcParams["font.size"] == style.FONT_SIZE
        assert matplotlib.rcParams["font.size"] == 33.0


@pytest.mark.parametrize("count", [0, 1, 2, 12, 13, 100])
def test_colours_are_distinct_and_the_first_ones_stay(count: int) -> None:
    colours = style.distinct_colours(count)
    assert len(set(colours)) == len(colours) == count
    assert colours == style.distinct_colours(count + 5)[:count]


def test_published_treatments_have_one_colour_in_every_figure() -> None:
    alone = style.treatment_colours(["pcc"])["pcc"]
    assert style.treatment_colours(["PA", "mine", "P&CC"])["P&CC"] == alone
    assert style.treatment_colours(["P&CC-NonMod"])["P&CC-NonMod"] == style.TREATMENT_COLOURS["pcc-nonmod"]


def test_treatments_never_share_a_colour() -> None:
    names = ["pa", "oml", "P&CC", "pcc", "anml", *(f"other {number}" for number in range(20)), "pa"]
    colours = style.treatment_colours(names)
    assert list(colours) == names[:-1]
    assert len(set(colours.values())) == len(colours)


def test_importing_analysis_does_not_import_what_is_slow_to_import() -> None:
    modules = sorted(path.stem for path in Path(analysis.__path__[0]).glob("*.py"))
    code = f"""
import sys, importlib
for name in {modules}:
    importlib.import_module("analysis" if name == "__init__" else f"analysis.{{name}}")
assert not {{"matplotlib", "pandas", "scipy.stats"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
