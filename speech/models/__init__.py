"""Checkpoints, adapters, emissions and training."""
