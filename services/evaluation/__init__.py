"""Measuring the engines on labelled files: what `client-monitor evaluate` prints."""
