"""Tests of the rules, with the real tools that run them."""
