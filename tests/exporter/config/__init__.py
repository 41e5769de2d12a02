"""Tests of the configuration: reading, problems with places and remedies, files, flags."""
