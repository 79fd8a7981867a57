"""Filters of daily returns: what each expects, and how far a window bears it out."""
