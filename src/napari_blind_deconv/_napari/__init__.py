"""The napari side, the only package that knows Qt and napari. It computes nothing; it shows what the pipeline does."""
