"""How networks appear in tables and figures."""

import pytest

from lightning_app.report.load.display_names import (
    NETWORKS,
    modality_name,
    modality_order,
    network_colours,
    network_name,
    network_order,
    shades,
)


def test_however_many_networks_there_are_each_has_its_own_colour() -> None:
    unknown = [f"mine.Net{index:03d}" for index in range(100)]
    colours = network_colours(unknown)

    assert set(colours) == {*unknown, *NETWORKS}
    assert len(set(colours.values())) == len(colours)
    assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in colours.values())


@pytest.mark.parametrize("colour", [style.colour for style in NETWORKS.values()])
@pytest.mark.parametrize("number", [1, 2, 24])
def test_shades_differ_and_begin_with_the_colour(colour: str, number: int) -> None:
    found = shades(colour, number)
    assert found[0] == colour
    assert len(set(found)) == number
    lightness = [sum(int(shade[i : i + 2], 16) for i in (1, 3, 5)) for shade in found]
    assert lightness == sorted(lightness)
    assert lightness[-1] < 3 * 224  # still visible on a white page


@pytest.mark.parametrize(
    ("class_path", "name"),
    [("models.AttentionUNetSPP", "Attention UNet + SPP"), ("mine.nets.Shallow", "Shallow")],
)
def test_a_network_without_an_entry_has_the_name_of_its_class(class_path: str, name: str) -> None:
    assert network_name(class_path) == name


@pytest.mark.parametrize(
    ("modality", "name"), [("t2f", "FLAIR"), ("t1c+t2f", "T1c + FLAIR"), ("dwi", "dwi")]
)
def test_several_channels_have_all_their_names(modality: str, name: str) -> None:
    assert modality_name(modality) == name


def test_unknown_networks_and_modalities_come_last_by_name() -> None:
    networks = ["a.Net", *reversed(NETWORKS), "A.Net"]
    assert sorted(networks, key=network_order) == [*NETWORKS, "A.Net", "a.Net"]
    assert sorted(["adc", "t1n", "t2f", "t1c+t2f", "t1c"], key=modality_order) == [
        "t1c", "t2f", "t1n", "adc", "t1c+t2f",
    ]  # fmt: skip
