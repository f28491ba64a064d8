"""Four people at work in napari, by real clicks and keys in a real window; their screenshots are the docs' pictures.

Run them where there is a screen, real or virtual::

    tests/with-screen python -m walks [stack movie phone night] --pictures docs/images
"""
