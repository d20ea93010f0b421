"""The report of a run as one page of HTML, which needs no other file; the only place for Jinja2."""
