"""The verb `register`: two scans registered, and what is written of them."""
