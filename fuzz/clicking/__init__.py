"""Random clicking: a seeded user in a real window of napari, with all widgets of the plugin."""
