"""A gallery is a full grid of drawings that can be compared."""

from itertools import pairwise

import networkx as nx
import pytest
from drawings import faces, nodes_of, retina

from analysis import style
from analysis.gallery import gallery


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (12, 4, 3), (50, 10, 5)])
def test_gallery_is_a_full_grid_without_overlap(count: int, columns: int, rows: int) -> None:
    graphs = [retina(20 + number, number) for number in range(count)]
    figure = gallery(graphs, [f"1.00, Q {number / 100:.2f}" for number in range(count)])
    boxes = [axes.get_position() for axes in figure.axes]
    assert (len({round(box.x0, 6) for box in boxes}), len({round(box.y0, 6) for box in boxes})) == (
        columns,
        rows,
    )
    assert [axes.get_title() for axes in figure.axes][-1] == f"1.00, Q {(count - 1) / 100:.2f}"
    figure.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in figure.axes[:columns]]
    assert all(one.x1 < other.x0 for one, other in pairwise(titles))
    assert max(title.y1 for title in titles) <= figure.bbox.y1
    assert min(axes.get_window_extent().y0 for axes in figure.axes) >= figure.legends[0].get_window_extent().y1


def test_gallery_draws_at_one_scale_with_each_partition() -> None:
    small, large = retina(106, 1).subgraph([0, 1, 8, 16, 20, 22]), retina(106, 2)
    figure = gallery([small, large], partitions=[None, [{0, 1, 2, 3}]], columns=1)
    first, second = figure.axes
    assert (first.get_xlim(), first.get_ylim()) == (second.get_xlim(), second.get_ylim())
    assert nodes_of(first).get_sizes()[0] == nodes_of(second).get_sizes()[0]
    assert style.PALETTE[0] in faces(second, large).values()
    assert style.PALETTE[0] not in faces(first, small).values()


def test_gallery_gives_networks_without_positions_a_scale_of_their_own() -> None:
    plain = nx.DiGraph([(0, 1)])
    first, second = gallery([retina(106, 2), plain]).axes
    assert second.get_ylim()[1] < 2.0 < first.get_ylim()[1]


def test_gallery_of_nothing_is_empty_and_lengths_must_agree() -> None:
    assert not gallery([]).axes
    with pytest.raises(ValueError, match="titles: 1 for 2 networks"):
        gallery([nx.DiGraph()] * 2, ["one"])
    with pytest.raises(ValueError, match="columns: 0"):
        gallery([nx.DiGraph()], columns=0)
