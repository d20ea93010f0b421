"""From other people's checkpoints to weights bundles."""
