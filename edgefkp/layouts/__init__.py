"""Point layouts, one file each: a new file that registers a `PointLayout` under its own name adds one."""
