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
        "learned": "It looks as PSFs do (learned)",
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
        "by-draws": "By itself, then by images drawn",
        "posterior-sampling": "Mean and uncertainty (posterior sampling)",
        "richardson-lucy": "Richardson-Lucy",
        "blind-richardson-lucy": "Blind Richardson-Lucy",
        "joint": "Image and PSF by turns (joint)",
        "by-data": "As the data ask for",
        "from-image": "Read it from the image",
        "even-noise": "The same noise everywhere",
        "by-prior": "By the image prior, each pixel by its noise",
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
        "microscope": "The PSF by optics. Give the numbers you know; the others are fitted, with their errors.",
        "gaussian": "A spot without rings, round or oval: a good first guess in microscopy.",
        "defocus": "An even disk; in a volume, a double cone.",
        "airy": "The rings of a round aperture, in a plane.",
        "motion": "The path of the camera or the stage while the shutter was open.",
        "lenslets": "Several sharp copies of the scene on top of each other.",
        "sparse": "Any shape that is dark nearly everywhere.",
        "learned": "A network that has seen PSFs of all families.",
        "uniform": "Any shape at all; it takes an image with sharp edges and little noise.",
        "auto": "All families are tried (the microscope if NA and emission are given), and the image decides. Slow.",
        "sparse-gradients": "Smooth areas between sharp edges: most images.",
        "total-variation": "Patches of even brightness.",
        "diffusion": "A network that has seen photographs and fluorescence; its strength runs from 0 to 1.",
        "patch-mixture": "Small patches, learned from photographs and cells: flat ones, edges, textures. Slow.",
        "gaussian-field": "A random field of a given spectrum: fast, exact, and softer than most images.",
        "deep-image": "It learns from this one image alone, as networks like it: for the curious. Very slow.",
        "none": "Only the number of iterations holds the noise down.",
        "by-evidence": "The PSF from the image's statistics.",
        "by-draws": "The PSF from the image's statistics, then from images that explain the data. Slow.",
        "posterior-sampling": "Images that explain the data; where they differ, nobody knows. Slow.",
        "richardson-lucy": "The classic for counted photons.",
        "blind-richardson-lucy": "The classic, with PSF and image in turn: a baseline.",
        "by-data": "Photons where light is sparse and counted, else what the sharp image looks like.",
        "from-image": "Level, colour and growth with the light are found in the image.",
        "even-noise": "Noise of one strength, whatever the light.",
        "by-prior": "Least squares weighed by the noise, under what the sharp image looks like.",
        "photon-map": "For few bright things on a dark ground: beads, filaments, puncta.",
        "camera": "Variance grows with the light: gain, read noise and offset, as far as they are known.",
        "constant": "The same blur in all of the image, at all depths.",
        "smooth": "Size, depth or aberrations follow place and depth; several minutes for a volume.",
        "joint": "To compare with only: its PSF tends to a point, and the blur stays in the image.",
    }
)
"""Kind of a component: what it means, in one line; others say it in the first line of their documentation."""
