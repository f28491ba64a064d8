"""What the components are called on screen, and what they mean, in the words of the people who use them."""

from types import MappingProxyType
from typing import Final

KIND_LABELS: Final = MappingProxyType(
    {
        "known": "I have the PSF (known)",
        "microscope": "I know my microscope",
        "gaussian": "A soft, round or oval spot (gaussian)",
        "defocus": "Out of focus (defocus)",
        "airy": "A good lens in focus (Airy pattern)",
        "motion": "A shaken or moving camera (motion)",
        "lenslets": "An array of lenslets or a diffuser (lenslets)",
        "sparse": "A few points or a thin path (sparse)",
        "learned": "A typical PSF shape (learned)",
        "uniform": "Nothing at all (completely blind)",
        "auto": "Find out: try all families (auto)",
        "sparse-gradients": "Few, sharp edges (sparse gradients)",
        "total-variation": "Flat patches (total variation)",
        "patch-mixture": "Patches as in photographs (patch mixture)",
        "gaussian-field": "Texture without edges (Gaussian field)",
        "deep-image": "An untrained network (deep image prior)",
        "none": "No assumption (none)",
        "diffusion": "Learned from images (diffusion)",
        "by-evidence": "By itself, before the image (evidence)",
        "by-draws": "By itself, then improved by sampled images",
        "posterior-sampling": "Mean and uncertainty (posterior sampling)",
        "richardson-lucy": "Richardson-Lucy",
        "blind-richardson-lucy": "Blind Richardson-Lucy",
        "joint": "Image and PSF in turn (joint)",
        "by-data": "Chosen by the data",
        "from-image": "Read it from the image",
        "even-noise": "The same noise everywhere",
        "by-prior": "By the image prior, weighted by the noise",
        "photon-map": "Counted photons, sparse light (photon MAP)",
        "camera": "Photons and read noise (camera)",
        "constant": "One PSF everywhere",
        "smooth": "Changing smoothly, where the image shows it",
    }
)
"""Kind of a component: how the choice reads."""

KIND_MEANINGS: Final = MappingProxyType(
    {
        "known": "Measured beads, or an earlier result: only the image is estimated.",
        "microscope": "A model of the optics. Enter the numbers you know; the others are fitted, with their errors.",
        "gaussian": "A spot without rings, round or oval: a good first guess in microscopy.",
        "defocus": "An even disk; in a volume, a double cone.",
        "airy": "The rings of a round aperture, in a plane.",
        "motion": "The path of the camera or the stage while the shutter was open.",
        "lenslets": "Several sharp copies of the scene on top of each other.",
        "sparse": "Any shape that is dark nearly everywhere.",
        "learned": "A network that was trained on PSFs of all families.",
        "uniform": "Any shape; needs an image with sharp edges and little noise.",
        "auto": "Tries all families (the microscope if NA and emission are given) and ranks them by evidence. Slow.",
        "sparse-gradients": "Smooth areas between sharp edges: most images.",
        "total-variation": "Patches of even brightness.",
        "diffusion": "A network trained on photographs and fluorescence; its strength is from 0 to 1. Slow.",
        "patch-mixture": "Small patches, learned from photographs and cells: flat ones, edges, textures. Slow.",
        "gaussian-field": "A random field of a given spectrum: fast, exact, and softer than most images.",
        "deep-image": "An untrained network that is fitted to this one image: an experiment. Very slow.",
        "none": "No knowledge of the image: for comparison, with ringing.",
        "by-evidence": "Estimates the PSF from the statistics of the image.",
        "by-draws": "Estimates the PSF from the statistics of the image, then improves it with sampled images. Slow.",
        "posterior-sampling": "Samples images that explain the data; where they differ, the result is uncertain. Slow.",
        "richardson-lucy": "The classic method for counted photons.",
        "blind-richardson-lucy": "The classic method, with PSF and image in turn: a baseline.",
        "by-data": "Photon statistics for sparse, counted light; otherwise the image prior.",
        "from-image": "Level, colour and growth with the light are read from the image.",
        "even-noise": "The noise is equally strong at all intensities.",
        "by-prior": "Least squares with the image prior, weighted by the noise.",
        "photon-map": "For a few bright objects on a dark background: beads, filaments, puncta.",
        "camera": "The variance grows with the light: enter gain, read noise and offset if you know them.",
        "constant": "The same blur in the whole image and at all depths.",
        "smooth": "Size, depth or aberrations change with the position; several minutes for a volume.",
        "joint": "For comparison only: the PSF tends to a point, and the blur stays in the image.",
    }
)
"""Kind of a component: what it means, in one line; others say it in the first line of their documentation."""
