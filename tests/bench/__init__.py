"""Measurements of this machine: medians and ratios, printed, asserted nowhere."""
