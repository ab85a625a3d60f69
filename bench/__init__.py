"""Programs for maintainers: they measure, and they make the files that are generated."""
