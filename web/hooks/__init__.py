"""Mail providers' reports: whether they are genuine, and what they say in our words. One module a provider."""
