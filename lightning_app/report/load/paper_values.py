"""The figures that the paper prints, as far as our copy is legible."""

from dataclasses import dataclass

PAPER = (
    "Roy Chowdhury and Mirzaei, Hybridization of Attention UNet with repeated Atrous Spatial "
    "Pyramid Pooling for improved brain tumor segmentation"
)
DEVICE = "RTX 3090"
PROPOSED_NETWORK = "models.AttentionUNetASPP"
# As text, the defaults of our networks' arguments. What else is in the recipe: configs/base.yaml.
NETWORK_ARGUMENTS = {
    "model.network.init_args.widths": "[64, 128, 256, 512, 1024]",
    "model.network.init_args.sizes": "[1, 2, 3, 6]",
    "model.network.init_args.rates": "[6, 12, 18]",
    "model.network.init_args.blocks": "3",
}


@dataclass(frozen=True)
class Printed:
    """One network on one modality; None if our copy has no legible value.

    Attributes:
        dsc: Table 1, in %.
        miou: Table 1, in %.
        accuracy: Table 1, in %.
        training: Table 2, in seconds.
        inference: Table 2, in seconds for the 126 test images.
        remark: what a reader must know about the figures.
    """

    dsc: float | None = None
    miou: float | None = None
    accuracy: float | None = None
    training: float | None = None
    inference: float | None = None
    remark: str = ""


NOTHING_PRINTED = Printed()

_LOST = (
    'Our copy reads "26min" and "37.1s" in the two cells: most likely a training time of '
    "26 min 37.1 s and a lost inference time."
)

PRINTED = {
    ("models.UNet", "t1c"): Printed(training=141 * 60 + 15.6, inference=13.6),
    ("models.UNet", "t2f"): Printed(training=141 * 60 + 27.5, inference=13.8),
    ("models.UNet", "t2w"): Printed(miou=38.59, training=26 * 60 + 37.1, remark=_LOST),
    ("models.AttentionUNet", "t1c"): Printed(64.71, 37.91, 98.64, 135 * 60 + 35.5, 14.5),
    ("models.AttentionUNet", "t2f"): Printed(78.30, 44.31, 99.15, 131 * 60 + 25, 14.3),
    ("models.AttentionUNet", "t2w"): Printed(71.63, 38.73, 98.91, 29 * 60 + 38.5, 13),
    ("models.AttentionUNetSPP", "t1c"): Printed(training=129 * 60 + 53.4, inference=31.6),
    ("models.AttentionUNetSPP", "t2f"): Printed(training=79 * 60 + 11.2, inference=31.4),
    ("models.AttentionUNetSPP", "t2w"): Printed(training=113 * 60 + 46.5, inference=30.7),
    ("models.AttentionUNetASPP", "t1c"): Printed(68.76, 41.13, 98.74, 45 * 60 + 35.1, 13.2),
    ("models.AttentionUNetASPP", "t2f"): Printed(79.75, 45.83, 99.17, 132 * 60 + 36.9, 14.7),
    ("models.AttentionUNetASPP", "t2w"): Printed(75.46, 42.49, 99.04, 31 * 60 + 17.2, 13.2),
}

WHAT_CAN_BE_COMPARED = f"""\
The paper does not say which slices, which target and which test patients it used, nor what \
DSC and mIoU are averaged over. Its figures are printed beside ours for orientation; a difference \
between the two is not a finding.
DSC and accuracy of its ASPP row are consistent with pooling, as ours: the mean of predicted and \
true tumour share is then 2.05 % (FLAIR), 2.02 % (T1c) and 1.96 % (T2w).
Its mIoU cannot, with one rule for empty slices, be a mean over the same units as its DSC: a mean \
IoU is at least DSC / (2 - DSC), which is 66.3 (FLAIR), 52.4 (T1c) and 60.6 (T2w), and the paper \
prints 45.83, 41.13 and 42.49.
Two readings of its mIoU are equally plausible, and Table 1 has both: the mean over the slices \
with the class in ground truth or prediction (miou), and the mean over all slices, with empty ones \
counted as 0 (miou_empty0). What suggests the second is that its mIoU divided by DSC / (2 - DSC) \
hardly depends on the network: for Attention UNet and ASPP it is 0.69 and 0.69 (FLAIR), 0.79 and \
0.79 (T1c), 0.69 and 0.70 (T2w). Empty slices alone would give one factor for all three contrasts.
Its times were taken on one {DEVICE} and for 126 test images. It does not say what they include, \
so they compare with ours in order of magnitude at most.
Cells are empty if our copy of the paper is not legible: in Table 1 UNet (all but the mIoU of \
T2w) and SPP, in Table 2 the inference time of UNet on T2w.
""".splitlines()
