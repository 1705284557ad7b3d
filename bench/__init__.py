"""Ratios against what a user would run instead; `make bench` prints them."""
