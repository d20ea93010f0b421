"""A set of fields for upload: checked, repaired and packed as the host takes it."""
