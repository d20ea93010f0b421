"""Displacement fields: profiles, files, and the resampling that hosts do."""
