"""What happens in which order.

Our loggers speak at INFO here, whatever the root's level: Prefect keeps their lines with the run where it is told their
names (PREFECT_LOGGING_EXTRA_LOGGERS, which ``client-monitor up`` sets), and the libraries' chatter stays out.
"""

import logging

for _name in ("flows", "tasks", "services", "models"):
    logging.getLogger(_name).setLevel(logging.INFO)
