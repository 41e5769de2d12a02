"""Tests of the spec: reading, problems with places, secrets, the schema."""
