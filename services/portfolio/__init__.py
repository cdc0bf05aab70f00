"""The portfolio as people look after it: its table, one client's page, what is searched, taught and handed over."""
