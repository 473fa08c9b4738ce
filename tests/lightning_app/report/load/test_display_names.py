"""How networks appear in tables and figures."""

from lightning_app.report.load.display_names import NETWORKS, network_colours


def test_however_many_networks_there_are_each_has_its_own_colour() -> None:
    unknown = [f"mine.Net{index:03d}" for index in range(100)]
    colours = network_colours(unknown)

    assert set(colours) == {*unknown, *NETWORKS}
    assert len(set(colours.values())) == len(colours)
    assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in colours.values())
