"""The napari side: the only package that knows Qt and napari. Nothing in it computes; it shows what the pipeline does."""
