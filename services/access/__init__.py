"""How programs prove whom they act for: short access tokens, refresh tokens used once, a tenant's API keys."""
