"""Ways out of the house, one file each. A plug-in imports ``tasks.notify.transports.transport`` and nothing else."""
