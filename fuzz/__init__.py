"""Fuzzing of the command line: settings, images, PSFs and networks that nobody should have, each from a seed."""
