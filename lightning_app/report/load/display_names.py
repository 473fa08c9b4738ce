"""What networks and modalities are called in tables, and in which order they stand."""

NETWORKS = {
    "models.UNet": "UNet",
    "models.AttentionUNet": "Attention UNet",
    "models.AttentionUNetSPP": "Attention UNet + SPP",
    "models.AttentionUNetASPP": "Attention UNet + ASPP",
}
MODALITIES = {"t1c": "T1c", "t2f": "FLAIR", "t2w": "T2w", "t1n": "T1"}
ASPP = "models.AttentionUNetASPP"


def network_name(class_path: str) -> str:
    """Of one of the four its name, of any other its class."""
    return NETWORKS.get(class_path, class_path.rpartition(".")[2])


def modality_name(modality: str) -> str:
    """``t2f`` is FLAIR; of several channels, each."""
    return " + ".join(MODALITIES.get(one, one) for one in modality.split("+"))


def network_order(class_path: str) -> tuple[int, str]:
    """The paper's four in its order, then all others."""
    return _place(class_path, list(NETWORKS)), class_path


def modality_order(modality: str) -> tuple[int, str]:
    """The paper's three in its order, then all others."""
    return _place(modality, list(MODALITIES)), modality


def _place(name: str, known: list[str]) -> int:
    return known.index(name) if name in known else len(known)
