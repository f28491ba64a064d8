"""The checklist of a release: what must hold before a version is published, looked at by a script."""
