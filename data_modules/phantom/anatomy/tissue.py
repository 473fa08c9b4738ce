"""Every physical constant of the phantom's tissues and scanners, with its source.

Times are in ms, proton densities relative to CSF, relaxivities in 1 / (mM s). Sources:

- Wright et al. 2008, "Water proton T1 measurements in brain tissue at 7, 3, and 1.5 T using IR-EPI,
  IR-TSE, and MPRAGE": T1 at 3 T of white matter (838), grey matter (1607), putamen (1332) and
  caudate (1395), read from its abstract.
- BrainWeb (Collins et al. 1998), tissue table of the simulated brain: T1 and T2 at 1.5 T and proton
  densities of white and grey matter.
- de Blank et al., MR fingerprinting of brain tumours in the young: T1 of peritumoral tissue
  (1261 +- 359), of solid tumour (1444 +- 254; high grade 1863 +- 70), T2 of peritumoral tissue 1.7
  times that of white matter; read from its abstract.
- Szomolanyi et al. 2019, "Comparison of the relaxivities of macrocyclic gadolinium-based contrast
  agents in human plasma at 1.5, 3, and 7 T": r1 of gadobutrol, read from its abstract.
- Blystad et al. 2020: 1/T1 around gliomas rises by 0.047 /s after contrast, in healthy white matter
  by 0.032 /s. So oedema takes up no gadolinium here.
- *approximate common value*: the order of magnitude in textbooks, not from a particular paper.
- *tuned*: chosen so that the images look right and the order FLAIR > T2 > t1c holds (see below).

These numbers make oedema clearly visible on FLAIR, similar to CSF on T2, and faint on t1c. The
resulting order of scores shows that the generator works; it is no evidence about MRI.
"""

from typing import NamedTuple


class Relaxation(NamedTuple):
    """T1 and T2 in ms, and proton density relative to CSF."""

    t1: float
    t2: float
    density: float


class Tissue(NamedTuple):
    """A tissue at the two usual field strengths; that of a scanner lies between them."""

    at_3t: Relaxation
    at_1p5t: Relaxation


TISSUES: dict[str, Tissue] = {
    # T1 4200 to 4500, T2 2000 to 2300: approximate common values, nearly independent of the field.
    "csf": Tissue(Relaxation(4200, 2000, 1.0), Relaxation(4200, 2000, 1.0)),
    # 3 T: T1 Wright, T2 approximate common value. 1.5 T and density: BrainWeb.
    "white": Tissue(Relaxation(838, 69, 0.77), Relaxation(500, 70, 0.77)),
    # 3 T: T1 Wright, T2 approximate common value. 1.5 T and density: BrainWeb.
    "grey": Tissue(Relaxation(1607, 99, 0.86), Relaxation(833, 83, 0.86)),
    # 3 T: T1 Wright, mean of putamen and caudate. The rest tuned between white and grey matter.
    "nuclei": Tissue(Relaxation(1360, 82, 0.84), Relaxation(760, 76, 0.84)),
    # Iron shortens T2: tuned.
    "pallidum": Tissue(Relaxation(1080, 62, 0.80), Relaxation(640, 60, 0.80)),
    # T1 at 3 T de Blank. T2 (de Blank: 1.7 times white matter's 69) and the rest tuned.
    "oedema": Tissue(Relaxation(1260, 132, 0.87), Relaxation(870, 122, 0.87)),
    # Solid tumour before gadolinium: T1 at 3 T de Blank; the rest tuned.
    "enhancing": Tissue(Relaxation(1500, 120, 0.88), Relaxation(1000, 115, 0.88)),
    # Tuned. Varies between necrosis and debris from place to place.
    "necrosis": Tissue(Relaxation(2100, 260, 0.93), Relaxation(1950, 250, 0.93)),
    "debris": Tissue(Relaxation(1500, 155, 0.90), Relaxation(1250, 150, 0.90)),
    # White matter hyperintensity: tuned.
    "lesion": Tissue(Relaxation(1250, 125, 0.82), Relaxation(800, 115, 0.82)),
    # Old lacune, tuned: looks like oedema on T2 and is hardly visible on FLAIR.
    "lacune": Tissue(Relaxation(2300, 150, 0.90), Relaxation(2200, 145, 0.90)),
    # Approximate common values.
    "blood": Tissue(Relaxation(1650, 60, 0.90), Relaxation(1350, 60, 0.90)),
    # Falx and tentorium: tuned; short T2 as in other fibrous tissue.
    "dura": Tissue(Relaxation(1100, 35, 0.70), Relaxation(800, 35, 0.70)),
}
TISSUE_INDEX = {name: index for index, name in enumerate(TISSUES)}

# Deviation of a scan's T1, T2 and proton density from the table, as a share: tuned.
RELAXATION_JITTER = Relaxation(0.05, 0.06, 0.01)

# Gadobutrol in plasma at 3 T (4.78 at 1.5 T): Szomolanyi.
RELAXIVITY = 4.97
# Gadolinium in mM at the time of the scan: tuned.
CONCENTRATION_RIM = (0.25, 0.9)
CONCENTRATION_BLOOD = 1.2
CONCENTRATION_DURA = 0.35

# Mean and half-width of TR and TE in ms. Approximate common values of clinical protocols.
REPETITION_ECHO_TIMES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "t1n": ((600, 120), (12, 3)),
    "t1c": ((600, 120), (12, 3)),
    "t2w": ((5000, 1200), (102, 12)),
    "t2f": ((9000, 900), (130, 15)),
}
# FLAIR's inversion time is the null of CSF times 1 +- this: tuned.
INVERSION_ERROR = 0.03
# Share of the spin echo signal that flowing blood keeps on T2-weighted images: tuned.
FLOW_VOID = 0.25
