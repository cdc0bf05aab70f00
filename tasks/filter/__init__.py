"""*Filter*: which person hears of an event, by which route, and the reason where nobody does."""
