"""Tests of the collectors: what they ask, what they read, and that they only read."""
