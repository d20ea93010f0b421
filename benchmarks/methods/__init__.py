"""Methods of registration on equal terms, one file each: those of others and our own."""
