"""Studies: methods and settings compared on the same data, with tables and pictures."""
