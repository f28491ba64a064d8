"""Images from kernels: restoration with a PSF that is known or frozen."""
