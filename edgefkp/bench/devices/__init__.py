"""Where a measurement runs: this machine, or another one."""
