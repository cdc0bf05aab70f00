"""What the judgements make of one text, told with the evidence: the tools behind ``client-monitor explain``."""
