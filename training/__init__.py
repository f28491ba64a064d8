"""Training of the networks that ship with the package; see docs/training.md. Not part of the wheel."""
